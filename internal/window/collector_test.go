package window

import (
	"net/netip"
	"slices"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/internal/encode"
	"github.com/go-netlog/netlog/internal/route"
	"github.com/go-netlog/netlog/record"
)

// manyFlows returns n flows of a node, from the given port on.
func manyFlows(n int, port uint16, bytes uint64) Flows {
	flows := Flows{}
	for i := range n {
		dst := netip.AddrFrom4([4]byte{10, 0, 0, byte(2 + i%200)})
		flows[flowtrack.Tuple{Proto: 6, Src: netip.MustParseAddrPort("10.0.0.1:5000"), Dst: netip.AddrPortFrom(dst, port+uint16(i/200))}] = tx(bytes)
	}
	return flows
}

func TestCollectorShares(t *testing.T) {
	const maxBytes = 64 << 10
	for _, tt := range []struct {
		name                    string
		tunnel, denied, outer   int
		named                   bool
		foldsTunnel, foldsOther bool
	}{
		{name: "everything fits", tunnel: 100, denied: 100, outer: 100, named: true},
		{name: "the tunnel takes all", tunnel: 500},
		{name: "a flood in the tunnel", tunnel: 20_000, denied: 40, outer: 40, named: true, foldsTunnel: true},
		{name: "a flood that is denied", tunnel: 40, denied: 20_000, outer: 40, named: true, foldsOther: true},
		{name: "a flood of paths", tunnel: 40, outer: 20_000, foldsOther: true},
		{name: "floods everywhere", tunnel: 20_000, denied: 20_000, outer: 20_000, named: true, foldsTunnel: true, foldsOther: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := Collector{MaxBytes: maxBytes, Named: tt.named}
			tunnel, denied, outer := manyFlows(tt.tunnel, 1000, 1e6), manyFlows(tt.denied, 2000, 60), manyFlows(tt.outer, 0, 100)
			c.Hold(outer)
			w, ok := c.Collect(tunnel, denied, route.New(trafficRoutes), false)
			qt.Assert(t, ok, qt.IsTrue)
			size := 0
			for _, e := range slices.Concat(w.classes()...) {
				if e.Tuple != (flowtrack.Tuple{}) {
					size += encode.Size(&e)
				}
			}
			if tt.named {
				qt.Check(t, w.MaxNames >= maxBytes/8, qt.IsTrue, qt.Commentf("%d", w.MaxNames))
			}
			qt.Check(t, size+w.MaxNames <= maxBytes, qt.IsTrue, qt.Commentf("%d and %d", size, w.MaxNames))
			for _, list := range []struct {
				name    string
				entries []record.ConnectionCounts
				flows   Flows
				folds   bool
			}{
				{"tunnel", slices.Concat(w.Exit, w.Virtual), tunnel, tt.foldsTunnel},
				{"denied", w.Denied, denied, tt.foldsOther && tt.denied > 1000},
				{"outer", w.Physical, outer, tt.foldsOther && tt.outer > 1000},
			} {
				qt.Check(t, sum(list.entries), qt.Equals, total(list.flows), qt.Commentf("%s", list.name))
				qt.Check(t, len(list.entries) < len(list.flows), qt.Equals, list.folds, qt.Commentf("%s: %d", list.name, len(list.entries)))
				qt.Check(t, len(list.entries) > 0, qt.Equals, len(list.flows) > 0, qt.Commentf("%s", list.name))
			}
			qt.Check(t, c.Folded > 0, qt.Equals, tt.foldsTunnel || tt.foldsOther)
		})
	}
}

func TestCollectorHoldsUnderlay(t *testing.T) {
	c := Collector{MaxBytes: 64 << 10}
	table := route.New(trafficRoutes)
	path := flow(0, "10.0.0.2:0", "192.0.2.7:41641")
	for _, tt := range []struct {
		name           string
		tunnel, denied Flows
		last           bool
		want           uint64 // bytes of the path in the window
	}{
		{"underlay traffic alone", nil, nil, false, 0},
		{"with a flow", manyFlows(1, 1, 1), nil, false, 200},
		{"underlay traffic alone again", nil, nil, false, 0},
		{"with a denied flow", nil, manyFlows(1, 1, 1), false, 200},
		{"alone in the last window", nil, nil, true, 100},
	} {
		c.Hold(Flows{path: tx(100)})
		w, ok := c.Collect(tt.tunnel, tt.denied, table, tt.last)
		qt.Assert(t, ok, qt.Equals, tt.want > 0, qt.Commentf("%s", tt.name))
		qt.Check(t, sum(w.Physical).TxBytes, qt.Equals, tt.want, qt.Commentf("%s", tt.name))
	}
	_, ok := c.Collect(nil, nil, table, true)
	qt.Check(t, ok, qt.IsFalse)
}

func TestCollectorHoldAllocs(t *testing.T) {
	c := Collector{MaxBytes: 64 << 10}
	table := route.New(trafficRoutes)
	outer := Flows{flow(0, "10.0.0.2:0", "192.0.2.7:41641"): tx(100)}
	allocs := testing.AllocsPerRun(10, func() {
		c.Hold(outer)
		c.Collect(nil, nil, table, true)
	})
	qt.Check(t, allocs <= 10, qt.IsTrue, qt.Commentf("%v: no table is built for a window", allocs))
}

func TestCollectorHoldIsBounded(t *testing.T) {
	c := Collector{MaxBytes: 8 << 20}
	var want uint64
	for i := range 3 {
		outer := manyFlows(10_000, uint16(1000*i), 10)
		c.Hold(outer)
		want += total(outer).TxBytes
	}
	qt.Check(t, len(c.held) <= maxHeld+1, qt.IsTrue, qt.Commentf("%d", len(c.held)))
	w, _ := c.Collect(nil, nil, route.New(trafficRoutes), true)
	qt.Check(t, sum(w.Physical).TxBytes, qt.Equals, want)
}

func TestCollectorDeniedSorted(t *testing.T) {
	c := Collector{MaxBytes: 1 << 20, Policy: ByNode}
	denied := Flows{}
	for _, e := range []flowtrack.Tuple{
		flow(6, "10.0.0.1:1", "192.168.1.1:80"), flow(6, "10.0.0.1:1", "10.0.0.2:80"), flow(6, "10.0.0.1:1", "8.8.8.8:53"), flow(17, "[fd00::1]:5", "[fd00::2]:53"),
	} {
		denied[e] = tx(1)
	}
	w, ok := c.Collect(nil, denied, route.New(trafficRoutes), false)
	qt.Assert(t, ok, qt.IsTrue)
	qt.Check(t, show(w.Denied), qt.Equals, "0 10.0.0.1:0>- 1, 6 10.0.0.1:1>10.0.0.2:80 1, 6 10.0.0.1:1>192.168.1.1:80 1, 17 [fd00::1]:5>[fd00::2]:53 1")
}

func TestCollectorLostOnce(t *testing.T) {
	routes := route.New(trafficRoutes)
	c := Collector{MaxBytes: 1 << 20, Lost: 5}
	_, ok := c.Collect(nil, nil, routes, false)
	qt.Check(t, ok, qt.IsFalse) // they wait for a window with flows
	w, ok := c.Collect(manyFlows(5000, 1000, 1e6), nil, routes, false)
	qt.Assert(t, ok, qt.IsTrue)
	var lost []uint64
	for m := range w.Records(nil) {
		lost = append(lost, m.LostPackets)
	}
	qt.Assert(t, len(lost) > 1, qt.IsTrue)
	qt.Check(t, lost[0], qt.Equals, uint64(5))
	qt.Check(t, slices.Max(lost[1:]), qt.Equals, uint64(0))

	c.Lost = 3
	w, ok = c.Collect(nil, nil, routes, true)
	qt.Assert(t, ok, qt.IsTrue)
	n := 0
	for m := range w.Records(nil) {
		qt.Check(t, m.LostPackets, qt.Equals, uint64(3))
		n++
	}
	qt.Check(t, n, qt.Equals, 1)
	_, ok = c.Collect(nil, nil, routes, true)
	qt.Check(t, ok, qt.IsFalse)
}
