package records_test

import (
	"fmt"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/records"
)

// TestUnmarshalCounts decodes counts as other writers print them, and values that only look like counts.
func TestUnmarshalCounts(t *testing.T) {
	const bad = ^uint64(0)
	for _, test := range []struct {
		in   string
		want uint64
	}{
		{"0", 0}, {"7", 7}, {"7.0", 7}, {"1e3", 1000}, {"9007199254740993", 1<<53 + 1}, {"18446744073709551614", 1<<64 - 2}, {"null", 0},
		{"9007199254740991.0", 1<<53 - 1}, {"9007199254740992.0", bad}, // a float may have been another integer
		{"18446744073709551616", bad}, {"1e30", bad}, {"-1", bad}, {"-1e30", bad}, {"1.5", bad}, {"nan", bad}, {"inf", bad}, {"1e999", bad},
		{"true", bad}, {`"7"`, bad}, {"{}", bad}, {"[1]", bad},
	} {
		var r records.Record
		err := r.UnmarshalJSON(fmt.Appendf(nil, `{"exitTraffic":[{"txPkts":%s}]}`, test.in))
		qt.Check(t, err != nil, qt.Equals, test.want == bad, qt.Commentf("%s: %v", test.in, err))
		if err == nil {
			qt.Check(t, r.ExitTraffic[0].TxPackets, qt.Equals, test.want, qt.Commentf("%s", test.in))
		}
	}
	for _, proto := range []string{"256", "256.0", "2.57e2", "-0.5"} {
		var r records.Record
		err := r.UnmarshalJSON(fmt.Appendf(nil, `{"exitTraffic":[{"proto":%s}]}`, proto))
		qt.Check(t, err, qt.IsNotNil, qt.Commentf("%s", proto))
	}
}
