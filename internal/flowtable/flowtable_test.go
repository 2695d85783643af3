package flowtable_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/internal/flowtable"
	"github.com/go-netlog/netlog/internal/records"
	"github.com/go-netlog/netlog/record"
	"github.com/go-netlog/netlog/tunstats"
)

var start = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// flow makes a flow from two sides as address:port, "" for none.
func flow(src, dst string, tx, rx uint64) (c record.ConnectionCounts) {
	if src != "" {
		c.Src = netip.MustParseAddrPort(src)
	}
	if dst != "" {
		c.Dst = netip.MustParseAddrPort(dst)
	}
	if src != "" && dst != "" {
		c.Proto = flowtrack.TCP
	}
	c.Counts = tunstats.Counts{TxPackets: tx, TxBytes: tx * 100, RxPackets: rx, RxBytes: rx * 100}
	return c
}

func rec(node string, virtual ...record.ConnectionCounts) *records.Record {
	return &records.Record{Entry: record.Entry{Message: record.Message{
		NodeID: node, Start: start, End: start.Add(10 * time.Second), VirtualTraffic: virtual,
	}}}
}

const (
	a, b, hub = "100.64.0.1:4000", "100.64.0.2:22", "100.64.0.9:0"
)

func TestRowsFlowCountsOnce(t *testing.T) {
	type rs = []*records.Record
	for _, test := range []struct {
		name string
		in   rs
		want []string
	}{
		{"one end reports", rs{rec("A", flow(a, b, 10, 5))}, []string{"A 10/5"}},
		{"windows of one node add up", rs{rec("A", flow(a, b, 10, 5)), rec("A", flow(a, b, 1, 1))}, []string{"A 11/6"}},
		{"of two ends the one that saw more counts", rs{rec("A", flow(a, b, 10, 5)), rec("B", flow(b, a, 5, 9))}, []string{"A 10/5"}},
		{"a hub does not count beside an end", rs{
			rec("A", flow(a, b, 10, 5)), rec("H", flow(a, b, 10, 5), flow(b, a, 5, 10)), rec("B", flow(b, a, 5, 10)),
		}, []string{"A 10/5"}},
		{"a hub counts where no end reports", rs{rec("H", flow(a, b, 10, 5), flow(b, a, 5, 10))}, []string{"H 10/5"}},
		{"of two hubs the one that saw more counts", rs{
			rec("H", flow(a, b, 10, 5), flow(b, a, 5, 10)), rec("I", flow(a, b, 12, 6), flow(b, a, 6, 12)),
		}, []string{"I 12/6"}},
		{"two routers of one subnet add up", rs{rec("R", flow(a, b, 10, 5)), rec("S", flow(a, b, 3, 2))}, []string{"R 13/7"}},
		{"a flow of packets without bytes is one", rs{rec("A", empty(flow(a, b, 10, 5)))}, []string{"A 10/5"}},
		{"seen from its other end too", rs{rec("B", empty(flow(b, a, 5, 10)))}, []string{"B 5/10"}},
		{"flows of two protocols are two", rs{rec("A", flow(a, b, 10, 5), udp(flow(a, b, 1, 1)))}, []string{"A 10/5", "A 1/1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var tab flowtable.Table
			for _, r := range test.in {
				tab.Add(r)
			}
			var got []string
			for _, r := range tab.Rows() {
				got = append(got, fmt.Sprintf("%s %d/%d", r.Reporter, r.TxPackets, r.RxPackets))
			}
			qt.Check(t, got, qt.DeepEquals, test.want)
		})
	}
}

func udp(c record.ConnectionCounts) record.ConnectionCounts {
	c.Proto = flowtrack.UDP
	return c
}

// empty is a flow whose bytes were not counted.
func empty(c record.ConnectionCounts) record.ConnectionCounts {
	c.TxBytes, c.RxBytes = 0, 0
	return c
}

func TestRowsExitTotalsPerNode(t *testing.T) {
	var tab flowtable.Table
	for _, n := range []string{"A", "B"} {
		r := rec(n)
		r.ExitTraffic = []record.ConnectionCounts{flow("", "", 3, 0)}
		tab.Add(r)
	}
	qt.Check(t, tab.Rows(), qt.HasLen, 2)
}

// TestRowsPhysicalPerNode has two nodes reach the same peer.
func TestRowsPhysicalPerNode(t *testing.T) {
	var tab flowtable.Table
	for _, n := range []string{"A", "B"} {
		r := rec(n)
		r.PhysicalTraffic = []record.ConnectionCounts{flow(hub, "192.0.2.9:41641", 3, 0)}
		tab.Add(r)
	}
	qt.Check(t, tab.Rows(), qt.HasLen, 2)
}

func TestTableBoundedTotalsExact(t *testing.T) {
	client := func(i int) string { return fmt.Sprintf("100.64.0.1:%d", 1024+i) }
	spoofed := func(i int) string { return fmt.Sprintf("10.0.%d.%d:%d", i/256, i%256, i+1) }
	for _, test := range []struct {
		name   string
		record func(i int) *records.Record
		want   []string
	}{
		{"random client ports", func(i int) *records.Record { return rec("A", flow(client(i), b, 1, 2)) },
			[]string{"100.64.0.1 ", "more than 100 flows: shown without the higher port and states\n"}},
		{"spoofed addresses", func(i int) *records.Record { return rec("A", flow(spoofed(i), b, 1, 2)) },
			[]string{"(other flows) ", "more than 100 flows: shown without ports and states\n"}},
		{"spoofed nodes", func(i int) *records.Record { return rec(fmt.Sprint(i), flow(client(i), b, 1, 2)) },
			[]string{"(other flows) ", "more than 100 flows: shown without ports and states\n"}},
		{"flows without a side, of spoofed nodes", func(i int) *records.Record { return rec(fmt.Sprint(i), flow("", "", 1, 2)) },
			[]string{"(other flows) ", "more than 100 flows: shown without ports and states\n"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			tab := flowtable.Table{MaxFlows: 100}
			for i := range 5000 {
				tab.Add(test.record(i))
			}
			rows := tab.Rows()
			qt.Check(t, len(rows) <= 101, qt.IsTrue, qt.Commentf("%d rows", len(rows)))
			var sum tunstats.Counts
			for _, r := range rows {
				sum = sum.Add(r.Counts)
			}
			qt.Check(t, sum, qt.Equals, tunstats.Counts{TxPackets: 5000, TxBytes: 500000, RxPackets: 10000, RxBytes: 1000000})
			var out strings.Builder
			qt.Assert(t, tab.Print(&out, 0), qt.IsNil)
			for _, want := range test.want {
				qt.Check(t, out.String(), qt.Contains, want)
			}
		})
	}
}

// TestTableNodesBounded has many nodes without a flow first.
func TestTableNodesBounded(t *testing.T) {
	tab := flowtable.Table{MaxFlows: 10}
	for i := range 20 {
		r := rec(fmt.Sprint(i))
		if i >= 8 {
			r.ExitTraffic = []record.ConnectionCounts{flow("", "", 1, 0)}
		}
		tab.Add(r)
	}
	var got []string
	for _, r := range tab.Rows() {
		got = append(got, fmt.Sprintf("%q %d", r.Reporter, r.TxPackets))
	}
	qt.Check(t, got, qt.DeepEquals, []string{`"" 10`, `"8" 1`, `"9" 1`})
	var out strings.Builder
	qt.Assert(t, tab.Print(&out, 0), qt.IsNil)
	qt.Check(t, out.String(), qt.Contains, "(unknown) (exit) ")
}

func TestTableCoarseCountsOnce(t *testing.T) {
	tab := flowtable.Table{MaxFlows: 100}
	for i := range 5000 {
		x := fmt.Sprintf("100.64.0.1:%d", 1024+i)
		tab.Add(rec("A", flow(x, b, 2, 1)))
		tab.Add(rec("B", flow(b, x, 1, 2)))
	}
	rows := tab.Rows()
	qt.Assert(t, rows, qt.HasLen, 1)
	qt.Check(t, rows[0].TxPackets, qt.Equals, uint64(10000))
	qt.Check(t, rows[0].Src.Port()+rows[0].Dst.Port(), qt.Equals, uint16(22), qt.Commentf("the port of the service stays"))
}

func TestPrintWidth(t *testing.T) {
	var tab flowtable.Table
	r := rec("A", flow(a, b, 1e6, 5), flow("[fd7a:115c:a1e0:ab12:4843:cd96:6256:b0b4]:65000", "[fd7a:115c:a1e0:ab12:4843:cd96:6256:b0b5]:443", 9, 9))
	r.ExitTraffic = []record.ConnectionCounts{flow("", "", 3, 0), flow(hub, "", 1, 1)}
	tab.Add(r)
	for _, width := range []int{80, 120, 200} {
		var out strings.Builder
		qt.Assert(t, tab.Print(&out, width), qt.IsNil)
		for line := range strings.Lines(out.String()) {
			n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n"))
			qt.Check(t, n <= width, qt.IsTrue, qt.Commentf("%d: %q", n, line))
		}
		qt.Check(t, out.String(), qt.Contains, "(exit)")
	}
}

func TestClean(t *testing.T) {
	tab := flowtable.Table{Name: func(netip.Addr) string { return "x\x1b[2J\nx\u202e\xff" }}
	tab.Add(rec("A\x9b", flow(a, b, 1, 1)))
	var out strings.Builder
	qt.Assert(t, tab.Print(&out, 0), qt.IsNil)
	qt.Check(t, out.String(), qt.Contains, `x\x1b[2J\x0ax\u202e\xff:22`)
}

// TestPrintImpossibleWindow has a node with impossible times.
func TestPrintImpossibleWindow(t *testing.T) {
	year0 := time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name       string
		start, end time.Time
		want       string
	}{
		{"since the year 0", year0, start.Add(time.Second), "1 record without a time"},
		{"in the year 0, by a receiver of today", year0, year0, "1 record without a time"},
		{"backwards", start.Add(time.Hour), start, "1 record without a time"},
		{"no time", time.Time{}, time.Time{}, "1 record without a time"},
		{"a second window", start, start.Add(time.Second), "(10s)\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var tab flowtable.Table
			tab.Add(rec("A", flow(a, b, 10, 5)))
			r := rec("A")
			r.Start, r.End, r.Logtail.ServerTime = test.start, test.end, start.Add(time.Minute)
			tab.Add(r)
			var out strings.Builder
			qt.Assert(t, tab.Print(&out, 0), qt.IsNil)
			qt.Check(t, out.String(), qt.Contains, "(10s)")
			qt.Check(t, out.String(), qt.Contains, test.want)
		})
	}
	var old flowtable.Table
	r := rec("A")
	r.Start, r.End = year0, year0 // no receiver has been there to know better
	old.Add(r)
	var out strings.Builder
	qt.Assert(t, old.Print(&out, 0), qt.IsNil)
	qt.Check(t, out.String(), qt.Contains, "0000-01-01 00:00:00 to 0000-01-01 00:00:00 UTC (0s)")
	var tab flowtable.Table
	r = rec("A", flow(a, b, 10, 5))
	r.Start, r.End = time.Time{}, time.Time{}
	tab.Add(r)
	out.Reset()
	qt.Assert(t, tab.Print(&out, 0), qt.IsNil)
	qt.Check(t, out.String(), qt.Contains, "no times: these are totals")
	qt.Check(t, out.String(), qt.Contains, " 10.0  1.00k")
}
