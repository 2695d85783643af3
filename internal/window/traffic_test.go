package window

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"unsafe"

	qt "github.com/frankban/quicktest"
	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/internal/encode"
	"github.com/go-netlog/netlog/internal/racetest"
	"github.com/go-netlog/netlog/internal/route"
	"github.com/go-netlog/netlog/internal/route/routetest"
	"github.com/go-netlog/netlog/record"
	"github.com/go-netlog/netlog/tunstats"
)

type flowMap = map[flowtrack.Tuple]tunstats.Counts

// trafficRoutes know 10.0.0.0/24 as nodes, 192.168.0.0/16 and fd00::/8 as subnets.
var trafficRoutes = route.Config{LocalAddrs: routetest.Prefixes("10.0.0.1/24"), Routes: routetest.Prefixes("192.168.0.0/16 fd00::/8 0.0.0.0/1 128.0.0.0/1")}

func (w *Traffic) all() []record.ConnectionCounts { return slices.Concat(w.Virtual, w.Subnet, w.Exit) }

// memory returns the bytes that w holds on to.
func (w *Traffic) memory() int {
	return cap(w.pool)*int(unsafe.Sizeof(entry{})) + cap(w.order)*int(unsafe.Sizeof(sortKey{})) +
		(cap(w.Virtual)+cap(w.Subnet)+cap(w.Exit))*int(unsafe.Sizeof(record.ConnectionCounts{}))
}

func sum(entries []record.ConnectionCounts) (s tunstats.Counts) {
	for _, e := range entries {
		s = s.Add(e.Counts)
	}
	return s
}

func total(flows flowMap) (s tunstats.Counts) {
	for _, c := range flows {
		s = s.Add(c)
	}
	return s
}

// show writes entries as "proto src>dst bytes" for comparison; absent parts are "-".
func show(entries []record.ConnectionCounts) string {
	var list []string
	for _, e := range entries {
		s := fmt.Sprintf("%d %v>%v %d", e.Proto, e.Src, e.Dst, e.TxBytes)
		list = append(list, strings.ReplaceAll(s, "invalid AddrPort", "-"))
	}
	return strings.Join(list, ", ")
}

func flow(proto flowtrack.Proto, src, dst string) flowtrack.Tuple {
	f := flowtrack.Tuple{Proto: proto}
	if src != "" {
		f.Src = netip.MustParseAddrPort(src)
	}
	if dst != "" {
		f.Dst = netip.MustParseAddrPort(dst)
	}
	return f
}

func tx(bytes uint64) tunstats.Counts { return tunstats.Counts{TxPackets: 1, TxBytes: bytes} }

func TestCollectExitPolicy(t *testing.T) {
	flows := flowMap{
		flow(6, "10.0.0.1:1000", "10.0.0.2:80"):            tx(1),
		flow(6, "10.0.0.1:1000", "10.0.0.2:443"):           tx(2),
		flow(17, "10.0.0.1:1000", "10.0.0.2:443"):          tx(3),
		flow(6, "10.0.0.1:1000", "192.168.1.1:80"):         tx(4),
		flow(6, "10.0.0.1:1001", "8.8.8.8:53"):             tx(10),
		flow(17, "10.0.0.1:1002", "9.9.9.9:53"):            tx(20),
		flow(6, "8.8.8.8:9", "10.0.0.2:1"):                 tx(40),
		flow(6, "8.8.8.8:9", "9.9.9.9:1"):                  tx(80),
		flow(6, "[::ffff:10.0.0.1]:5", "9.9.9.9:1"):        tx(160),
		flow(6, "[fd00::1%eth0]:5", "[2606:4700::1111]:1"): tx(320),
		flow(0, "", ""):                    tx(640),
		flow(6, "10.0.0.1:7", "8.8.8.8:7"): {}, // nothing counted
	}
	for _, tt := range []struct {
		name   string
		policy Policy
		exit   string
	}{
		{"Totals is one entry", Totals, "0 ->- 1270"},
		{"ByNode is one entry a known side, in its place", ByNode,
			"0 ->- 720, 0 10.0.0.1:0>- 190, 0 [fd00::1]:0>- 320, 0 ->10.0.0.2:0 40"},
		{"Full is everything, without zones", Full,
			"0 ->- 640, 6 10.0.0.1:1001>8.8.8.8:53 10, 6 8.8.8.8:9>9.9.9.9:1 80, 6 [::ffff:10.0.0.1]:5>9.9.9.9:1 160, " +
				"17 10.0.0.1:1002>9.9.9.9:53 20, 6 8.8.8.8:9>10.0.0.2:1 40, 6 [fd00::1]:5>[2606:4700::1111]:1 320"},
		{"a policy of a later version uncovers nothing", Policy(9), "0 ->- 1270"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := qt.New(t)
			var w Traffic
			w.Collect(flows, route.New(trafficRoutes), tt.policy, nil, math.MaxInt)
			c.Check(show(w.Virtual), qt.Equals, "6 10.0.0.1:1000>10.0.0.2:80 1, 6 10.0.0.1:1000>10.0.0.2:443 2, 17 10.0.0.1:1000>10.0.0.2:443 3")
			c.Check(show(w.Subnet), qt.Equals, "6 10.0.0.1:1000>192.168.1.1:80 4")
			c.Check(show(w.Exit), qt.Equals, tt.exit)
			c.Check(w.Folded, qt.Equals, 0)
		})
	}
}

func TestCollectSumsWithoutFlags(t *testing.T) {
	began := tunstats.Counts{TxPackets: 2, TxBytes: 100, RxPackets: 1, RxBytes: 60, TxFlags: tunstats.SYN, RxFlags: tunstats.SYN | tunstats.ACK}
	ignored := flow(6, "10.0.0.1:3", "10.0.0.3:1")
	flows := flowMap{
		ignored:                             began,
		flow(6, "10.0.0.1:4", "10.0.0.2:1"): {TxFlags: tunstats.SYN}, // nothing counted
		flow(6, "10.0.0.1:2", "8.8.8.8:53"): began,
		{}:                                  began,
	}
	for port := range uint16(10) {
		f := flow(6, "10.0.0.1:5", "10.0.0.2:0")
		f.Dst = netip.AddrPortFrom(f.Dst.Addr(), 1+port)
		flows[f] = began
	}
	for _, tt := range []struct {
		name     string
		policy   Policy
		maxBytes int
		flagged  int // entries with flags
	}{
		{"Totals", Totals, math.MaxInt, 10},
		{"ByNode", ByNode, math.MaxInt, 10},
		{"Full", Full, math.MaxInt, 11},
		{"folded by addresses", Full, 700, 3},
		{"folded into the zero Tuple", Full, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := qt.New(t)
			var w Traffic
			w.Collect(flows, route.New(trafficRoutes), tt.policy, func(f flowtrack.Tuple) bool { return f == ignored }, tt.maxBytes)
			flagged := 0
			for _, e := range w.all() {
				if e.Dst.Port() != 0 {
					c.Check(e.Counts, qt.Equals, began)
					flagged++
				} else {
					c.Check(e.TxFlags|e.RxFlags, qt.Equals, tunstats.TCPFlags(0), qt.Commentf("%v", e))
				}
			}
			c.Check(flagged, qt.Equals, tt.flagged)
			c.Check(withoutFlags(sum(w.all())), qt.Equals, tunstats.Counts{TxPackets: 24, TxBytes: 1200, RxPackets: 12, RxBytes: 720})
			c.Check(w.Ignored, qt.Equals, withoutFlags(began))
		})
	}
}

func TestCollectIgnore(t *testing.T) {
	c := qt.New(t)
	dns := flow(17, "10.0.0.1:9", "10.0.0.53:53")
	flows := flowMap{
		dns:                                 {TxPackets: 1, TxBytes: 2, RxPackets: 3, RxBytes: 4},
		flow(6, "10.0.0.1:9", "8.8.8.8:53"): tx(100),
		flow(6, "10.0.0.1:9", "10.0.0.2:1"): tx(7),
		flow(6, "10.0.0.1:9", "10.0.0.3:1"): {},
	}
	var w Traffic
	w.Collect(flows, route.New(trafficRoutes), Totals, func(f flowtrack.Tuple) bool { return f.Dst.Port() == 53 }, math.MaxInt)
	c.Check(w.IgnoredFlows, qt.Equals, 2)
	c.Check(w.Ignored, qt.Equals, flows[dns].Add(tx(100)))
	c.Check(show(w.all()), qt.Equals, "6 10.0.0.1:9>10.0.0.2:1 7")
}

// randomFlows makes n flows of every class and form, many of them alike in part.
func randomFlows(r *rand.Rand, n int) flowMap {
	addr := func() netip.Addr {
		switch b := byte(r.IntN(20)); r.IntN(9) {
		case 0, 1:
			return netip.AddrFrom4([4]byte{10, 0, 0, b})
		case 2:
			return netip.AddrFrom4([4]byte{192, 168, b, byte(r.Uint32())})
		case 3:
			return netip.AddrFrom4([4]byte{203, 0, 113, b})
		case 4:
			return netip.AddrFrom16([16]byte{0xfd, 7: b % 3, 8: b % 2, 15: b})
		case 5:
			return netip.AddrFrom16([16]byte{0x26, 6, 9: 0x99, 15: b}).WithZone([]string{"", "eth7"}[b%2])
		case 6:
			return netip.AddrFrom16([16]byte{10: 0xff, 11: 0xff, 12: 203, 13: 0, 14: 113, 15: b})
		case 7:
			return netip.AddrFrom16([16]byte{10: 0xff, 11: 0xff, 12: 10, 13: 0, 14: 0, 15: b})
		}
		return netip.Addr{}
	}
	flows := flowMap{}
	for range n {
		f := flowtrack.Tuple{
			Proto: []flowtrack.Proto{0, 1, 6, 17}[r.IntN(4)],
			Src:   netip.AddrPortFrom(addr(), uint16(r.IntN(4))*20000),
			Dst:   netip.AddrPortFrom(addr(), uint16(r.IntN(3))*443),
		}
		c := tunstats.Counts{TxPackets: r.Uint64N(3), TxBytes: r.Uint64N(5) * 999, RxPackets: r.Uint64N(2), RxBytes: r.Uint64() >> (r.IntN(40) + 20)}
		if c != (tunstats.Counts{}) && r.IntN(3) == 0 {
			c.TxFlags, c.RxFlags = tunstats.TCPFlags(r.Uint32()), tunstats.TCPFlags(r.Uint32())
		}
		flows[f] = c
	}
	return flows
}

func TestCollectBooksBalance(t *testing.T) {
	c := qt.New(t)
	table := route.New(trafficRoutes)
	var w Traffic
	for i := range racetest.Rounds(400) {
		r := rand.New(rand.NewPCG(5, uint64(i)))
		flows := randomFlows(r, r.IntN(600))
		policy := Policy(i % 3)
		maxBytes := []int{math.MaxInt, 50_000, 5_000, 100, 0, -1000}[r.IntN(6)]
		var ignore func(flowtrack.Tuple) bool
		if i%2 == 0 {
			ignore = func(f flowtrack.Tuple) bool { return f.Proto == flowtrack.ICMPv4 }
		}
		w.Collect(flows, table, policy, ignore, maxBytes)
		comment := qt.Commentf("seed %d", i)
		c.Assert(withoutFlags(sum(w.all()).Add(w.Ignored)), qt.Equals, withoutFlags(total(flows)), comment)

		size := 0
		for index, entries := range [][]record.ConnectionCounts{classExit: w.Exit, classVirtual: w.Virtual, classSubnet: w.Subnet} {
			for i, e := range entries {
				if e.Tuple != (flowtrack.Tuple{}) {
					raw, err := json.Marshal(e)
					c.Assert(err, qt.IsNil)
					c.Assert(len(raw)+1 <= encode.Size(&e), qt.IsTrue, qt.Commentf("%s", raw))
					size += encode.Size(&e)
				}
				if policy == Full || class(index) != classExit {
					c.Assert(classOf(table.Lookup(e.Src.Addr()), table.Lookup(e.Dst.Addr())), qt.Equals, class(index), comment)
				}
				c.Assert(i == 0 || entries[i-1].Compare(e.Tuple) < 0, qt.IsTrue, comment)
			}
		}
		c.Assert(size <= max(maxBytes, 0), qt.IsTrue, comment)
	}
}

func TestCollectHidesUnknownAddresses(t *testing.T) {
	c := qt.New(t)
	table := route.New(trafficRoutes)
	var w Traffic
	for i := range racetest.Rounds(300) {
		r := rand.New(rand.NewPCG(6, uint64(i)))
		w.Collect(randomFlows(r, 500), table, []Policy{Totals, ByNode}[i%2], nil, []int{math.MaxInt, 20_000, 2000}[r.IntN(3)])
		for _, e := range w.all() {
			for _, a := range []netip.AddrPort{e.Src, e.Dst} {
				c.Assert(!a.IsValid() || table.Lookup(a.Addr()) != route.Unknown, qt.IsTrue, qt.Commentf("%v", e))
			}
		}
		raw, err := json.Marshal(w.all())
		c.Assert(err, qt.IsNil)
		for _, secret := range []string{"203.0.113.", "cb00:71", "2606:", "eth7"} {
			c.Assert(strings.Contains(string(raw), secret), qt.IsFalse, qt.Commentf("%s", raw))
		}
	}
}

func TestCollectFoldsSmallest(t *testing.T) {
	c := qt.New(t)
	table := route.New(trafficRoutes)
	scan := flowMap{}
	for port := range 60_000 {
		f := flow(6, "10.0.0.1:40000", "10.0.0.2:1")
		f.Dst = netip.AddrPortFrom(f.Dst.Addr(), uint16(port))
		scan[f] = tx(uint64(port) + 1)
	}
	var w Traffic
	const maxBytes = 100_000
	w.Collect(scan, table, Totals, nil, maxBytes)
	c.Check(sum(w.all()), qt.Equals, total(scan))
	c.Check(w.Exit, qt.HasLen, 0)
	c.Check(w.Subnet, qt.HasLen, 0)
	c.Check(w.Virtual[0].Tuple, qt.Equals, flow(6, "10.0.0.1:0", "10.0.0.2:0"))
	kept := w.Virtual[1:]
	c.Check(w.Folded, qt.Equals, 60_000-len(kept))
	c.Check(len(kept) > maxBytes*4/5/150, qt.IsTrue, qt.Commentf("%d", len(kept)))
	for _, e := range kept {
		c.Assert(e.Counts, qt.Equals, scan[e.Tuple])
		c.Assert(e.TxBytes > uint64(60_000-len(kept)), qt.IsTrue)
	}

	// Spoofed sources do not even fit as sums: the rest is in the zero Tuple.
	spoofed := flowMap{}
	for i := range 60_000 {
		f := flow(17, "10.0.0.1:40000", "192.168.0.0:1")
		f.Dst = netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 168, byte(i >> 8), byte(i)}), uint16(i))
		spoofed[f] = tx(40)
	}
	w.Collect(spoofed, table, Full, nil, maxBytes)
	c.Check(sum(w.all()), qt.Equals, total(spoofed))
	c.Assert(w.Exit, qt.HasLen, 1)
	c.Check(w.Exit[0].Tuple, qt.Equals, flowtrack.Tuple{})
	exact := 0
	for _, e := range w.Subnet {
		if e.Dst.Port() != 0 || e.Src.Port() != 0 {
			exact++
		}
	}
	c.Check(exact > 0 && exact < len(w.Subnet), qt.IsTrue)
	c.Check(w.Folded, qt.Equals, 60_000-exact)
}

func TestCollectFoldsNodesPastShare(t *testing.T) {
	c := qt.New(t)
	flows := flowMap{}
	for i := range 60_000 {
		src := netip.AddrFrom4([4]byte{192, 168, byte(i >> 8), byte(i)})
		flows[flowtrack.Tuple{Proto: 6, Src: netip.AddrPortFrom(src, 5), Dst: netip.MustParseAddrPort("8.8.8.8:53")}] = tx(40)
	}
	var w Traffic
	w.Collect(flows, route.New(trafficRoutes), ByNode, nil, 100_000)
	c.Check(sum(w.Exit), qt.Equals, total(flows))
	c.Check(w.Exit[0].Tuple, qt.Equals, flowtrack.Tuple{})
	c.Check(w.Folded, qt.Equals, len(flows)-len(w.Exit[1:]))
	c.Check(w.Folded < len(flows)-100, qt.IsTrue)
}

func TestCollectFoldsNothingThatFits(t *testing.T) {
	c := qt.New(t)
	flows := randomFlows(rand.New(rand.NewPCG(7, 7)), 3000)
	size := 0
	var w Traffic
	w.Collect(flows, route.New(trafficRoutes), ByNode, nil, math.MaxInt)
	want := slices.Clone(w.all())
	for _, e := range w.all() {
		size += encode.Size(&e)
	}
	w.Collect(flows, route.New(trafficRoutes), ByNode, nil, size)
	c.Check(w.Folded, qt.Equals, 0)
	c.Check(slices.Equal(w.all(), want), qt.IsTrue)
	w.Collect(flows, route.New(trafficRoutes), ByNode, nil, size/2)
	c.Check(w.Folded > 0, qt.IsTrue)
}

// Go's maps are iterated in another order each time.
func TestCollectEqualTrafficEqualEntries(t *testing.T) {
	c := qt.New(t)
	table := route.New(trafficRoutes)
	for i := range 12 {
		r := rand.New(rand.NewPCG(8, uint64(i)))
		flows := randomFlows(r, 3000)
		maxBytes := []int{math.MaxInt, 40_000, 3000, 0}[i%4]
		var a, b Traffic
		a.Collect(flows, table, Policy(i/4%3), nil, maxBytes)
		for range 3 {
			b.Collect(flows, table, Policy(i/4%3), nil, maxBytes)
			c.Assert(slices.Equal(b.all(), a.all()), qt.IsTrue, qt.Commentf("seed %d", i))
			c.Assert(b.Folded, qt.Equals, a.Folded, qt.Commentf("seed %d", i))
		}
	}
}

// TestCollectEqualTrafficFoldedEqually: what comes after the pool was folded for the first time may be smaller in JSON
// than what had no room, and would fit.
func TestCollectEqualTrafficFoldedEqually(t *testing.T) {
	c := qt.New(t)
	table := route.New(trafficRoutes)
	for i := range racetest.Rounds(60) {
		flows := randomFlows(rand.New(rand.NewPCG(9, uint64(i))), 3000)
		var a, b Traffic
		a.Collect(flows, table, Full, nil, 3000+10*i)
		for range 3 {
			b.Collect(flows, table, Full, nil, 3000+10*i)
			c.Assert(slices.Equal(b.all(), a.all()), qt.IsTrue, qt.Commentf("seed %d", i))
		}
	}
}

// A few flows come after the pool was folded for the first time, and would fit.
func TestCollectFoldingEarlyEqualsLate(t *testing.T) {
	c := qt.New(t)
	const maxBytes = 64 << 10 // folded early past twice that
	flows := flowMap{}
	for size := 0; size < 2*maxBytes+1000; {
		f := flow(6, "10.0.0.1:40000", "10.0.0.2:1")
		f.Dst = netip.AddrPortFrom(f.Dst.Addr(), uint16(len(flows)))
		flows[f] = tx(1024 + uint64(len(flows)))
		size += encode.Size(&record.ConnectionCounts{Tuple: f, Counts: flows[f]})
	}
	var a, b Traffic
	a.Collect(flows, route.New(trafficRoutes), Totals, nil, maxBytes)
	c.Check(a.Virtual[1].TxBytes, qt.Equals, uint64(1024+a.Folded)) // no smaller one stayed
	for range 10 {
		b.Collect(flows, route.New(trafficRoutes), Totals, nil, maxBytes)
		c.Assert(slices.Equal(b.all(), a.all()), qt.IsTrue)
	}
}

func TestCollectSaturates(t *testing.T) {
	c := qt.New(t)
	flows := flowMap{
		flow(6, "10.0.0.1:1", "8.8.8.8:53"): {TxPackets: 1, TxBytes: math.MaxUint64, RxBytes: math.MaxUint64},
		flow(6, "10.0.0.1:2", "8.8.8.8:53"): {TxPackets: math.MaxUint64, TxBytes: math.MaxUint64, RxBytes: 5},
	}
	var w Traffic
	for _, policy := range []Policy{Totals, ByNode} {
		w.Collect(flows, route.New(trafficRoutes), policy, nil, math.MaxInt)
		c.Assert(w.Exit, qt.HasLen, 1)
		c.Check(w.Exit[0].Counts, qt.Equals, tunstats.Counts{TxPackets: math.MaxUint64, TxBytes: math.MaxUint64, RxBytes: math.MaxUint64})
	}
	c.Check(volume(&tunstats.Counts{TxBytes: math.MaxUint64, RxBytes: 5}), qt.Equals, uint64(math.MaxUint64))
}

func TestCollectReusesMemory(t *testing.T) {
	c := qt.New(t)
	table := route.New(trafficRoutes)
	flows := realisticFlows(500)
	var w Traffic
	c.Check(testing.AllocsPerRun(1, func() { w = Traffic{}; w.Collect(flows, table, Totals, nil, math.MaxInt) }) <= 10, qt.IsTrue)
	c.Check(testing.AllocsPerRun(10, func() { w.Collect(flows, table, Totals, nil, math.MaxInt) }), qt.Equals, 0.0)
}

func TestCollectFreesLargeMemory(t *testing.T) {
	c := qt.New(t)
	table := route.New(trafficRoutes)
	var w Traffic
	w.Collect(realisticFlows(20_000), table, Full, nil, 2<<20)
	w.Collect(nil, table, Full, nil, 2<<20)
	c.Check(w.memory() < 128<<10, qt.IsTrue, qt.Commentf("%d bytes", w.memory()))
}

// A Device may return any number of flows; 100,000 are far beyond the bound.
func TestCollectMemoryBound(t *testing.T) {
	c := qt.New(t)
	const n = 100_000
	flows := make(flowMap, n)
	for i := range n {
		f := flow(17, "10.0.0.1:53", "10.0.0.2:0")
		f.Dst = netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 168, byte(i >> 8), byte(i)}), uint16(i>>16))
		flows[f] = tx(uint64(i % 1000))
	}
	var w Traffic
	const maxBytes = 2 << 20
	w.Collect(flows, route.New(trafficRoutes), Totals, nil, maxBytes)
	c.Check(w.memory() < 4*maxBytes, qt.IsTrue, qt.Commentf("%d bytes", w.memory()))
	c.Check(sum(w.all()), qt.Equals, total(flows))
}

// realisticFlows has one local address, 200 peers, ephemeral ports and a few services.
func realisticFlows(n int) flowMap {
	r := rand.New(rand.NewPCG(9, uint64(n)))
	zipf := rand.NewZipf(r, 1.2, 1, 199)
	flows := make(flowMap, n)
	for len(flows) < n {
		f := flowtrack.Tuple{
			Proto: flowtrack.TCP,
			Src:   netip.AddrPortFrom(netip.MustParseAddr("10.0.0.1"), uint16(32768+r.IntN(28000))),
			Dst:   netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(2 + zipf.Uint64())}), []uint16{22, 53, 80, 443, 8080}[r.IntN(5)]),
		}
		p := uint64(r.ExpFloat64()*20) + 1
		flows[f] = tunstats.Counts{TxPackets: p, TxBytes: p * 90, RxPackets: p, RxBytes: p * 800}
	}
	return flows
}

func BenchmarkCollect(b *testing.B) {
	bench := func(name string, flows flowMap, table *route.Table) {
		b.Run(name, func(b *testing.B) {
			var w Traffic
			b.ReportAllocs()
			for b.Loop() {
				w.Collect(flows, table, Totals, nil, 2<<20)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(flows)), "ns/flow")
		})
	}
	for _, prefixes := range []int{10, 1000, 10_000} {
		cfg, addrs := routetest.Many(prefixes)
		for _, n := range []int{500, 10_000} {
			flows := make(flowMap, n)
			local := map[bool]netip.Addr{true: cfg.LocalAddrs[0].Addr(), false: cfg.LocalAddrs[1].Addr()}
			i := 0
			for f, c := range realisticFlows(n) {
				a := addrs[i%len(addrs)] // any peer of all, of both families
				f.Src = netip.AddrPortFrom(local[a.Is4()], f.Src.Port())
				f.Dst = netip.AddrPortFrom(a, f.Dst.Port())
				flows[f] = c
				i++
			}
			bench(fmt.Sprintf("flows=%d/prefixes=%d", n, prefixes), flows, route.New(cfg))
		}
	}
	bench("flows=10000/realistic", realisticFlows(10_000), route.New(trafficRoutes))
	bench("flows=100000/folding", realisticFlows(100_000), route.New(trafficRoutes))
}

func TestCollectSideWithoutAddress(t *testing.T) {
	c := qt.New(t)
	port := flowtrack.Tuple{Proto: 6, Src: netip.MustParseAddrPort("8.8.8.8:1"), Dst: netip.AddrPortFrom(netip.Addr{}, 9)}
	var w Traffic
	w.Collect(flowMap{port: tx(1)}, route.New(trafficRoutes), Full, nil, math.MaxInt)
	c.Assert(w.Exit, qt.HasLen, 1)
	c.Check(w.Exit[0].Dst, qt.Equals, netip.AddrPort{})
}
