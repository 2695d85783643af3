package flowtable_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/internal/flowtable"
	"github.com/go-netlog/netlog/internal/records"
	"github.com/go-netlog/netlog/record"
	"github.com/go-netlog/netlog/tunstats"
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

// windowsOf returns records of a node with one window each. A window is written as "TX/RX", packets and
// flags of both sides, such as "2S/1SA".
func windowsOf(node, src, dst string, windows ...string) (rs []*records.Record) {
	for i, w := range windows {
		tx, rx, _ := strings.Cut(w, "/")
		c := flow(src, dst, 0, 0)
		c.TxPackets, c.TxFlags = packets(tx)
		c.RxPackets, c.RxFlags = packets(rx)
		c.TxBytes, c.RxBytes = c.TxPackets*100, c.RxPackets*100
		r := rec(node, c)
		r.Start = start.Add(time.Duration(i) * 10 * time.Second)
		r.End = r.Start.Add(10 * time.Second)
		rs = append(rs, r)
	}
	return rs
}

// packets parses a number of packets and the letters of their flags.
func packets(s string) (n uint64, flags tunstats.TCPFlags) {
	for _, c := range s {
		switch c {
		case 'F':
			flags |= tunstats.FIN
		case 'S':
			flags |= tunstats.SYN
		case 'R':
			flags |= tunstats.RST
		case 'A':
			flags |= tunstats.ACK
		default:
			n = n*10 + uint64(c-'0')
		}
	}
	return n, flags
}

func protocol(p flowtrack.Proto, rs []*records.Record) []*records.Record {
	for _, r := range rs {
		for i := range r.VirtualTraffic {
			r.VirtualTraffic[i].Proto = p
		}
	}
	return rs
}

func backwards(rs []*records.Record) []*records.Record {
	slices.Reverse(rs)
	return rs
}

// deny makes the traffic of rs denied.
func deny(rs []*records.Record) []*records.Record {
	for _, r := range rs {
		r.VirtualTraffic, r.DeniedTraffic = nil, r.VirtualTraffic
	}
	return rs
}

// shownRows returns rows as "class source destination tx/rx state".
func shownRows(rows []flowtable.Row) (all []string) {
	sides := strings.NewReplacer(a, "a", b, "b", c, "c")
	for _, r := range rows {
		all = append(all, sides.Replace(fmt.Sprintf("%v %v %v %d/%d %s", r.Class, r.Src, r.Dst, r.TxPackets, r.RxPackets, r.State())))
	}
	return all
}

const c = "100.64.0.2:5000" // a higher port than that of a

func TestRowsShownFromTheSideThatBegan(t *testing.T) {
	udp := func(rs []*records.Record) []*records.Record { return protocol(flowtrack.UDP, rs) }
	for _, test := range []struct {
		name string
		in   [][]*records.Record
		want []string
	}{
		{"began, at its own end", [][]*records.Record{windowsOf("A", a, b, "3S/2SA")}, []string{"virtual a b 3/2 established"}},
		{"began, at the other end", [][]*records.Record{windowsOf("B", b, a, "2SA/3S")}, []string{"virtual a b 3/2 established"}},
		{"the other end counted more", [][]*records.Record{windowsOf("A", a, b, "3S/2SA"), windowsOf("B", b, a, "4SA/3S")}, []string{"virtual a b 3/4 established"}},
		{"the other end counted more, and came later", [][]*records.Record{windowsOf("A", a, b, "3S/2SA"), windowsOf("B", b, a, "9/9")},
			[]string{"virtual a b 9/9 established"}},
		{"this end counted more, and came later", [][]*records.Record{windowsOf("A", a, b, "9/9"), windowsOf("B", b, a, "2SA/3S")},
			[]string{"virtual a b 9/9 established"}},
		{"both counted alike, and this end came later", [][]*records.Record{windowsOf("A", a, b, "3/2"), windowsOf("B", b, a, "2SA/3S")},
			[]string{"virtual a b 3/2 established"}},
		{"the answer did not arrive", [][]*records.Record{windowsOf("A", a, b, "6S/"), windowsOf("B", b, a, "2SA/3S")}, []string{"virtual a b 6/0 unanswered"}},
		{"over many windows", [][]*records.Record{windowsOf("B", b, a, "/1S", "2SA/1", "9/9", "1F/1F")}, []string{"virtual a b 12/12 closed"}},
		{"refused", [][]*records.Record{windowsOf("A", a, b, "1S/1R"), windowsOf("B", b, a, "1R/1S")}, []string{"virtual a b 1/1 refused"}},
		{"unanswered, since it did not arrive", [][]*records.Record{windowsOf("A", a, b, "3S/")}, []string{"virtual a b 3/0 unanswered"}},
		{"windows in another order", [][]*records.Record{backwards(windowsOf("A", a, b, "3S/2SA", "9/9", "1F/1F"))}, []string{"virtual a b 13/12 unknown"}},
		{"a port used again", [][]*records.Record{windowsOf("A", a, b, "2SF/2SAF", "1S/1R")}, []string{"virtual a b 3/3 unknown"}},
		{"two routers, one for each direction", [][]*records.Record{windowsOf("R", a, b, "1S/", "9/"), windowsOf("S", a, b, "/1SA", "/9")},
			[]string{"virtual a b 10/10 established"}},
		{"a hub", [][]*records.Record{windowsOf("H", a, b, "3S/2SA"), windowsOf("H", b, a, "2SA/3S")}, []string{"virtual a b 3/2 established"}},

		{"UDP both ways", [][]*records.Record{udp(windowsOf("A", a, b, "3/2")), udp(windowsOf("B", b, a, "2/3"))}, []string{"virtual a b 3/2 unknown"}},
		{"UDP one way, from the lower port", [][]*records.Record{udp(windowsOf("A", a, c, "3/")), udp(windowsOf("B", c, a, "/3"))},
			[]string{"virtual a c 3/0 unknown"}},
		{"UDP one way, from the higher port", [][]*records.Record{udp(windowsOf("A", a, b, "3/")), udp(windowsOf("B", b, a, "/3"))},
			[]string{"virtual a b 3/0 unknown"}},
		{"two one-way UDP flows", [][]*records.Record{
			udp(windowsOf("A", a, c, "3/")), udp(windowsOf("B", c, a, "/3")), udp(windowsOf("B", b, a, "2/")), udp(windowsOf("A", a, b, "/2")),
		}, []string{"virtual a c 3/0 unknown", "virtual b a 2/0 unknown"}},
		{"UDP one way, counted by the receiver alone", [][]*records.Record{udp(windowsOf("B", b, a, "/3"))}, []string{"virtual a b 3/0 unknown"}},
		{"UDP, windows in another order", [][]*records.Record{backwards(udp(windowsOf("B", c, a, "9/", "/3")))}, []string{"virtual c a 9/3 unknown"}},
		{"UDP, sent first", [][]*records.Record{udp(windowsOf("B", c, a, "/3", "9/"))}, []string{"virtual a c 3/9 unknown"}},

		{"denied", [][]*records.Record{deny(windowsOf("B", b, a, "/3S"))}, []string{"denied a b 3/0 denied"}},
		{"denied by the receiver, unanswered for the sender", [][]*records.Record{windowsOf("A", a, b, "3S/"), deny(windowsOf("B", b, a, "/3S"))},
			[]string{"virtual a b 3/0 unanswered", "denied a b 3/0 denied"}},
		{"denied by two filters", [][]*records.Record{deny(windowsOf("A", a, b, "4S/")), deny(windowsOf("B", b, a, "/3S"))},
			[]string{"denied a b 4/0 denied", "denied a b 3/0 denied"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var tab flowtable.Table
			for _, r := range slices.Concat(test.in...) {
				tab.Add(r)
			}
			qt.Check(t, shownRows(tab.Rows()), qt.DeepEquals, test.want)
		})
	}
}

// TestRowsHiddenSidesStay: totals and the underlay are not flows between two sides.
func TestRowsHiddenSidesStay(t *testing.T) {
	var tab flowtable.Table
	r := rec("A")
	r.ExitTraffic = []record.ConnectionCounts{flow("", "", 0, 1), flow(a, "", 0, 2), flow("", b, 0, 3)}
	r.PhysicalTraffic = []record.ConnectionCounts{flow(hub, "192.0.2.9:41641", 0, 4)}
	tab.Add(r)
	for _, row := range tab.Rows() {
		qt.Check(t, row.TxPackets, qt.Equals, uint64(0), qt.Commentf("%v", row))
		qt.Check(t, row.State(), qt.Equals, "unknown")
	}
}

func TestRowsCoarseHaveNoState(t *testing.T) {
	tab := flowtable.Table{MaxFlows: 10}
	for i := range 100 {
		for _, r := range windowsOf("A", fmt.Sprintf("100.64.0.1:%d", 2000+i), b, "2S/2SA") {
			tab.Add(r)
		}
	}
	for _, r := range windowsOf("A", a, c, "2S/2SA") {
		tab.Add(r)
	}
	qt.Check(t, shownRows(tab.Rows()), qt.DeepEquals, []string{"virtual 100.64.0.1:0 b 200/200 unknown", "virtual a 100.64.0.2:0 2/2 unknown"})
}

func TestRowsKeep(t *testing.T) {
	tab := flowtable.Table{Keep: func(r *flowtable.Row) bool { return r.State() == "refused" || r.State() == "denied" }}
	for _, r := range slices.Concat(windowsOf("A", a, b, "2S/2R"), windowsOf("A", a, c, "7S/7SA"), deny(windowsOf("A", a, b, "/3S"))) {
		tab.Add(r)
	}
	qt.Check(t, shownRows(tab.Rows()), qt.DeepEquals, []string{"virtual a b 2/2 refused", "denied b a 3/0 denied"})
	var out strings.Builder
	qt.Assert(t, tab.Print(&out, 0), qt.IsNil)
	qt.Check(t, out.String(), qt.Contains, "virtual total, 1 flow, 400B ", qt.Commentf("the totals are those of the rows"))
	qt.Check(t, out.String(), qt.Contains, "1 node, 3 entries")
}

func TestStates(t *testing.T) {
	qt.Check(t, flowtable.States(), qt.DeepEquals, []string{"denied", "unknown", "unanswered", "refused", "established", "closed", "reset"})
}
