package flowtable_test

import (
	"fmt"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/flowtable"
	"github.com/go-netlog/netlog/record"
)

// TestRowsOther has totals without sides, which differ from the row of the others by one
// bit only.
func TestRowsOther(t *testing.T) {
	rows := func() []flowtable.Row {
		tab := flowtable.Table{MaxFlows: 4}
		r := rec("A")
		r.ExitTraffic = []record.ConnectionCounts{flow("", "", 3, 0)}
		tab.Add(r)
		r.ExitTraffic = nil
		for i := range 20 {
			r.ExitTraffic = append(r.ExitTraffic, flow(fmt.Sprintf("10.0.0.%d:0", i+1), "192.0.2.1:0", 1, 0))
		}
		tab.Add(r)
		return tab.Rows()
	}
	want := rows()
	var totals, other []flowtable.Row
	for _, r := range want {
		switch {
		case r.Other:
			other = append(other, r)
		case !r.Src.IsValid():
			totals = append(totals, r)
		}
	}
	qt.Assert(t, other, qt.HasLen, 1)
	qt.Check(t, other[0].TxPackets, qt.Equals, uint64(17))
	qt.Check(t, other[0].Reporter, qt.Equals, "", qt.Commentf("nobody's"))
	qt.Assert(t, totals, qt.HasLen, 1)
	qt.Check(t, totals[0].TxPackets, qt.Equals, uint64(3))
	qt.Check(t, totals[0].Reporter, qt.Equals, "A")
	for range 50 {
		got := rows()
		qt.Assert(t, len(got), qt.Equals, len(want))
		for i := range got {
			qt.Assert(t, got[i], qt.Equals, want[i], qt.Commentf("equal tables have equal rows"))
		}
	}
}
