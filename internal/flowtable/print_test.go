package flowtable_test

import (
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/flowtable"
	"github.com/go-netlog/netlog/record"
)

// printed returns the fields of the first row of a table of one flow.
func printed(t *testing.T, tab *flowtable.Table, c record.ConnectionCounts, window time.Duration) []string {
	t.Helper()
	r := rec("A")
	r.End = r.Start.Add(window)
	r.ExitTraffic = []record.ConnectionCounts{c}
	tab.Add(r)
	var out strings.Builder
	qt.Assert(t, tab.Print(&out, 0), qt.IsNil)
	lines := strings.Split(out.String(), "\n")
	qt.Assert(t, len(lines) > 1, qt.IsTrue)
	return strings.Fields(lines[1])
}

func TestPrintSide(t *testing.T) {
	names := map[string]string{"100.64.0.9": "hub", "100.64.0.2": "web"}
	for _, test := range []struct{ src, dst, want string }{
		{a, b, "100.64.0.1:4000 web:22"},
		{hub, "[fd7a::1]:443", "hub [fd7a::1]:443"},
		{"100.64.0.8:0", "", "100.64.0.8 (exit)"},
		{"", b, "(exit) web:22"},
		{"", "", "A (exit)"},
	} {
		tab := flowtable.Table{Name: func(a netip.Addr) string { return names[a.String()] }}
		got := printed(t, &tab, flow(test.src, test.dst, 1, 1), time.Second)
		qt.Check(t, strings.Join(got[2:4], " "), qt.Equals, test.want)
	}
}

func TestPrintRate(t *testing.T) {
	for _, test := range []struct {
		packets uint64
		window  time.Duration
		want    string
	}{
		{0, time.Second, "0"},
		{1, time.Hour, "<.01"}, {5, 1000 * time.Second, "0.01"},
		{1, time.Second, "1.00"}, {9994, 1000 * time.Second, "9.99"}, {9996, 1000 * time.Second, "10.0"},
		{9994, 100 * time.Second, "99.9"}, {9996, 100 * time.Second, "100"},
		{999, time.Second, "999"}, {9995, 10 * time.Second, "1.00k"}, {1e6, time.Second, "1.00M"},
		{math.MaxUint64, time.Second, "18.4E"},
		{math.MaxUint64, 0, "18.4Z"}, // a window without length is a millisecond
	} {
		var tab flowtable.Table
		c := flow(a, b, 0, 0)
		c.TxPackets = test.packets
		qt.Check(t, printed(t, &tab, c, test.window)[4], qt.Equals, test.want, qt.Commentf("%d in %v", test.packets, test.window))
	}
}

func TestPrintState(t *testing.T) {
	var tab flowtable.Table
	for _, r := range slices.Concat(windowsOf("A", a, b, "30S/20R"), windowsOf("A", a, c, "1/1"), deny(windowsOf("A", a, b, "/3S"))) {
		tab.Add(r)
	}
	var out strings.Builder
	qt.Assert(t, tab.Print(&out, 0), qt.IsNil)
	qt.Check(t, out.String(), qt.Equals, `class   proto source          destination     state   tx p/s tx B/s rx p/s rx B/s
virtual TCP   100.64.0.1:4000 100.64.0.2:22   refused   3.00    300   2.00    200
denied  TCP   100.64.0.2:22   100.64.0.1:4000 denied    0.30   30.0      0      0
virtual TCP   100.64.0.1:4000 100.64.0.2:5000           0.10   10.0   0.10   10.0
virtual total, 2 flows, 5.20kB                          3.10    310   2.10    210
denied total, 1 flow, 300B                              0.30   30.0      0      0
3 records, 1 node, 3 entries
2026-11-22 10:00:00 to 2026-11-22 10:00:10 UTC (10s)
`)
	out.Reset()
	qt.Assert(t, tab.Print(&out, 70), qt.IsNil)
	line, _, _ := strings.Cut(out.String(), "\n")
	qt.Check(t, line, qt.HasLen, 70)
}
