package netlog

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/tunstats"
)

// classes returns the traffic of w or of a Message by class.
func (w *window) classes() [][]ConnectionCounts {
	return [][]ConnectionCounts{w.virtual, w.subnet, w.exit, w.physical}
}

func (m *Message) classes() [][]ConnectionCounts {
	return [][]ConnectionCounts{m.VirtualTraffic, m.SubnetTraffic, m.ExitTraffic, m.PhysicalTraffic}
}

// collect returns the records of w, encoded and cloned.
func collect(w *window, lookup func(netip.Addr) (Node, bool)) (encoded []string, messages []*Message) {
	for m := range w.records(lookup) {
		encoded = append(encoded, encode(m))
		messages = append(messages, m.Clone())
	}
	return encoded, messages
}

// checkRecords checks all that records promises of w, against the plainest
// reckoning of it.
func checkRecords(t testing.TB, w *window, lookup func(netip.Addr) (Node, bool)) {
	t.Helper()
	given := make([][]ConnectionCounts, 4)
	for i, traffic := range w.classes() {
		for _, c := range traffic {
			c.Src, c.Dst = tidySide(c.Src), tidySide(c.Dst)
			given[i] = append(given[i], c)
		}
		slices.SortStableFunc(given[i], compareFlows)
	}
	asked := make(map[netip.Addr]int)
	counted := func(a netip.Addr) (Node, bool) {
		asked[a]++
		return lookup(a)
	}
	written := make([][]ConnectionCounts, 4)
	encoded, messages := collect(w, counted)
	for i, m := range messages {
		qt.Assert(t, len(encoded[i]) <= maxRecord, qt.IsTrue, qt.Commentf("%d bytes", len(encoded[i])))
		qt.Assert(t, json.Valid([]byte(encoded[i])), qt.IsTrue)
		qt.Check(t, m.Start, qt.Equals, messages[0].Start)
		qt.Check(t, m.End, qt.Equals, messages[0].End)
		qt.Check(t, len(slices.Concat(m.classes()...)) > 0, qt.IsTrue)
		checkNodes(t, w, m, lookup)
		for j, traffic := range m.classes() {
			written[j] = append(written[j], traffic...)
		}
	}
	for i := range given {
		// Flows that only a zone told apart may change places.
		slices.SortFunc(given[i], compareAll)
		slices.SortFunc(written[i], compareAll)
		qt.Assert(t, slices.Equal(written[i], given[i]), qt.IsTrue, qt.Commentf("class %d", i))
	}
	for a, times := range asked {
		qt.Check(t, times, qt.Equals, 1, qt.Commentf("%v", a))
		qt.Check(t, a.IsValid() && !a.Is4In6() && a.Zone() == "", qt.IsTrue)
	}
}

func compareAll(a, b ConnectionCounts) int {
	if c := compareFlows(a, b); c != 0 {
		return c
	}
	return strings.Compare(fmt.Sprint(a.Counts), fmt.Sprint(b.Counts))
}

// checkNodes checks that DstNodes are the nodes of m's addresses, each once.
func checkNodes(t testing.TB, w *window, m *Message, lookup func(netip.Addr) (Node, bool)) {
	t.Helper()
	want := make(map[netip.Addr]string)
	add := func(a netip.Addr) {
		if !a.IsValid() {
			return
		}
		a = a.Unmap().WithZone("")
		n, ok := lookup(a)
		if !ok || slices.Contains(w.srcNode.Addresses, a) {
			return
		}
		if len(n.Addresses) == 0 {
			n.Addresses = []netip.Addr{a}
		}
		if nodeSize(&n) <= maxNode && !slices.Contains(w.srcNode.Addresses, n.Addresses[0]) {
			want[n.Addresses[0]] = reference(t, &Message{SrcNode: n})
		}
	}
	for i, traffic := range m.classes() {
		for _, c := range traffic {
			add(c.Src.Addr())
			if i < 3 {
				add(c.Dst.Addr())
			}
		}
	}
	got := make(map[netip.Addr]string)
	var order []netip.Addr
	for _, n := range m.DstNodes {
		order = append(order, n.Addresses[0])
		got[n.Addresses[0]] = reference(t, &Message{SrcNode: n})
	}
	qt.Check(t, slices.IsSortedFunc(order, netip.Addr.Compare), qt.IsTrue)
	qt.Check(t, order, qt.HasLen, len(got))
	qt.Check(t, maps.Equal(got, want), qt.IsTrue, qt.Commentf("got %v, want %v", got, want))
}

func noNodes(netip.Addr) (Node, bool) { return Node{}, false }

// hostAddr returns address i of a network of 2^16 nodes, some of them IPv6.
func hostAddr(i int) netip.Addr {
	a := netip.AddrFrom4([4]byte{100, 64, byte(i >> 8), byte(i)})
	switch i % 8 {
	case 5:
		return netip.AddrFrom16([16]byte{0: 0xfd, 14: byte(i >> 8), 15: byte(i)})
	case 6:
		return netip.AddrFrom16(a.As16())
	}
	return a
}

func randomFlow(rnd *rand.Rand, hosts int) ConnectionCounts {
	side := func() netip.AddrPort {
		if rnd.IntN(20) == 0 {
			return netip.AddrPort{}
		}
		return netip.AddrPortFrom(hostAddr(rnd.IntN(hosts)), uint16(rnd.Uint32()))
	}
	count := func() uint64 { return rnd.Uint64() >> rnd.IntN(64) }
	return ConnectionCounts{
		Tuple:  flowtrack.Tuple{Proto: flowtrack.Proto(rnd.Uint32()), Src: side(), Dst: side()},
		Counts: tunstats.Counts{TxPackets: count(), TxBytes: count(), RxPackets: count(), RxBytes: count()},
	}
}

func TestRandomWindowsAgreeWithTheModel(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 40 {
		hosts := 1 + rnd.IntN(1000)
		w := window{nodeID: "n1", start: windowStart, end: windowEnd, srcNode: Node{Addresses: []netip.Addr{hostAddr(0)}}}
		for _, traffic := range []*[]ConnectionCounts{&w.virtual, &w.subnet, &w.exit, &w.physical} {
			for range rnd.IntN(1 << rnd.IntN(12)) {
				*traffic = append(*traffic, randomFlow(rnd, hosts))
			}
		}
		nameSize := rnd.IntN(1 << rnd.IntN(14)) // up to twice what a Node may take
		checkRecords(t, &w, func(a netip.Addr) (Node, bool) {
			return Node{NodeID: a.String(), Name: strings.Repeat("x", nameSize)}, a.As16()[15]%3 != 0
		})
	}
}

func FuzzRecords(f *testing.F) {
	for i := range 8 {
		f.Add(uint16(1<<i), []byte(strings.Repeat("\x00\x01\x06 zone\"\x00", 8*i)))
	}
	f.Fuzz(func(t *testing.T, times uint16, data []byte) {
		m := (*source)(&data).message()
		w := window{nodeID: m.NodeID, start: m.Start, end: m.End, srcNode: m.SrcNode}
		for i, traffic := range []*[]ConnectionCounts{&w.virtual, &w.subnet, &w.exit, &w.physical} {
			*traffic = slices.Repeat(m.classes()[i], int(times%1000))
		}
		checkRecords(t, &w, func(a netip.Addr) (Node, bool) {
			return Node{Name: m.NodeID, Tags: slices.Repeat([]string{a.String()}, int(a.As16()[15]))}, a.As16()[15]%2 == 0
		})
	})
}

func TestTheBoundHoldsForTheLargestFlows(t *testing.T) {
	for _, test := range []struct {
		name  string
		flow  ConnectionCounts
		slack int
	}{
		{"no member at all", ConnectionCounts{}, 80},
		{"IPv4", flow(255, "255.255.255.255:65535", "255.255.255.255:65535", math.MaxUint64, math.MaxUint64, math.MaxUint64, math.MaxUint64), 0},
		{"IPv6", flow(255, "[ffff:eeee:ffff:eeee:ffff:eeee:ffff:eeee]:65535", "[ffff:eeee:ffff:eeee:ffff:eeee:ffff:eeee]:65535", math.MaxUint64, math.MaxUint64, math.MaxUint64, math.MaxUint64), 2},
		{"4-in-6", flow(255, "[::ffff:255.255.255.255]:65535", "[::ffff:255.255.255.255]:65535", math.MaxUint64, math.MaxUint64, math.MaxUint64, math.MaxUint64), 40},
		{"an ordinary flow", flow(flowtrack.TCP, "100.64.0.1:49152", "100.64.12.34:443", 12, 3456, 12, 34567), 20},
	} {
		t.Run(test.name, func(t *testing.T) {
			size := len(appendTraffic(nil, "", []ConnectionCounts{test.flow})) - len("],") + len(",")
			bound := flowBound(&test.flow)
			qt.Check(t, bound >= size, qt.IsTrue, qt.Commentf("%d bytes, bound %d", size, bound))
			qt.Check(t, bound <= size+test.slack, qt.IsTrue, qt.Commentf("%d bytes, bound %d", size, bound))
		})
	}
}

func TestTheBoundOnDigitsHoldsForEveryLength(t *testing.T) {
	check := func(v uint64) {
		digits := len(fmt.Sprint(v))
		qt.Check(t, digitsBound(v) == digits || digitsBound(v) == digits+1, qt.IsTrue, qt.Commentf("%d", v))
	}
	for bit := range 64 {
		check(1 << bit)
		check(1<<bit - 1)
	}
	for v := uint64(1); v <= math.MaxUint64/10; v *= 10 {
		check(v * 10)
		check(v*10 - 1)
	}
	check(math.MaxUint64)
}

// The largest that everything in a record can be: a zone of escaped bytes, nodes
// of just the size that is still written, a cut NodeID.
func TestTheLargestValuesStayWithinARecord(t *testing.T) {
	zone := strings.Repeat("\x00", maxZone)
	w := window{nodeID: strings.Repeat("\x00", 10*maxNodeID), start: windowStart, end: windowEnd, srcNode: largestNode("own")}
	for i := range 2000 {
		side := func(b byte) netip.AddrPort {
			a := netip.AddrFrom16([16]byte{0xfe, 0x80, b, 0xff, 0xee, 0xff, 0xee, 0xff, 0xee, 0xff, 0xee, 0xff, 0xee, 0xff, byte(i >> 8), byte(i)})
			return netip.AddrPortFrom(a.WithZone(zone), math.MaxUint16)
		}
		w.subnet = append(w.subnet, ConnectionCounts{
			Tuple:  flowtrack.Tuple{Proto: 255, Src: side(0xaa), Dst: side(0xbb)},
			Counts: tunstats.Counts{TxPackets: math.MaxUint64, TxBytes: math.MaxUint64, RxPackets: math.MaxUint64, RxBytes: math.MaxUint64},
		})
	}
	_, messages := collect(&w, noNodes)
	step := 2*maxNode + 2000 // the most that one more flow can add
	for _, m := range messages[:len(messages)-1] {
		qt.Check(t, len(encode(m)) > maxRecord-step, qt.IsTrue, qt.Commentf("%d bytes", len(encode(m))))
	}
	w.subnet = w.subnet[:100]
	checkRecords(t, &w, func(a netip.Addr) (Node, bool) { return largestNode(a.String()), true })
}

// largestNode returns a Node of exactly maxNode bytes of JSON, but for its address.
func largestNode(name string) Node {
	n := Node{Name: name, Tags: []string{""}}
	n.Tags[0] = strings.Repeat("x", maxNode-nodeSize(&n)-len(`"addresses":["ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],`))
	return n
}

func TestAWindowWithoutFlowsHasNoRecord(t *testing.T) {
	encoded, _ := collect(&window{nodeID: "n1", start: windowStart, end: windowEnd}, nil)
	qt.Check(t, encoded, qt.HasLen, 0)
}

func TestEqualTrafficGivesEqualBytes(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	w := window{start: windowStart, end: windowEnd}
	for range 3000 {
		w.virtual = append(w.virtual, randomFlow(rnd, 1000))
	}
	want, _ := collect(&w, noNodes)
	qt.Check(t, len(want) > 1, qt.IsTrue)
	rnd.Shuffle(len(w.virtual), func(i, j int) { w.virtual[i], w.virtual[j] = w.virtual[j], w.virtual[i] })
	got, _ := collect(&w, noNodes)
	qt.Check(t, slices.Equal(got, want), qt.IsTrue)
}

func TestRecordsEndWhereTheReaderStops(t *testing.T) {
	w := window{virtual: slices.Repeat([]ConnectionCounts{flow(6, "10.0.0.1:1", "10.0.0.2:2", 1)}, 10000)}
	n := 0
	for range w.records(nil) {
		n++
		break
	}
	qt.Check(t, n, qt.Equals, 1)
}

func TestWhatRecordsDoNotWriteAsGiven(t *testing.T) {
	long := netip.MustParseAddr("fe80::1").WithZone(strings.Repeat("z", maxZone+1))
	w := window{
		nodeID: strings.Repeat("x", maxNodeID-1) + "\u00e9",
		start:  time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC),
		end:    time.Date(2026, 11, 22, 11, 0, 5, 0, time.FixedZone("", 3600)),
		srcNode: Node{
			Name: strings.Repeat("x", maxNode),
		},
		virtual: []ConnectionCounts{
			{Tuple: flowtrack.Tuple{Src: netip.AddrPortFrom(long, 1), Dst: netip.AddrPortFrom(netip.Addr{}, 9)}},
		},
	}
	encoded, _ := collect(&w, nil)
	qt.Check(t, encoded, qt.DeepEquals, []string{
		`{"nodeId":"` + strings.Repeat("x", maxNodeID-1) + `","end":"2026-11-22T10:00:05Z","virtualTraffic":[{"src":"[fe80::1]:1"}]}`,
	})
}

func TestNodesAreNamedOnceAndSorted(t *testing.T) {
	addr := netip.MustParseAddr
	nodes := map[netip.Addr]Node{
		addr("100.64.0.2"):  {Name: "b", Addresses: []netip.Addr{addr("100.64.0.2"), addr("fd00::2")}},
		addr("fd00::2"):     {Name: "b", Addresses: []netip.Addr{addr("100.64.0.2"), addr("fd00::2")}},
		addr("100.64.0.3"):  {Name: "c"},
		addr("100.64.0.4"):  {Name: "router", Addresses: []netip.Addr{addr("100.64.0.4")}},
		addr("192.168.1.9"): {Name: "router", Addresses: []netip.Addr{addr("100.64.0.4")}},
		addr("192.0.2.7"):   {Name: "never asked for: it is an endpoint"},
	}
	w := window{
		srcNode: Node{Name: "a", Addresses: []netip.Addr{addr("100.64.0.1"), addr("fd00::1")}},
		virtual: []ConnectionCounts{
			flow(6, "[fd00::1]:1", "[fd00::2]:2", 1),
			flow(6, "100.64.0.1:1", "100.64.0.2:2", 1),
			flow(6, "100.64.0.1:1", "[::ffff:100.64.0.3]:2", 1),
		},
		subnet:   []ConnectionCounts{flow(6, "100.64.0.1:1", "192.168.1.9:2", 1)},
		exit:     []ConnectionCounts{flow(0, "", "100.64.0.3:0", 1)},
		physical: []ConnectionCounts{flow(0, "100.64.0.4:0", "192.0.2.7:41641", 1)},
	}
	var asked []string
	_, messages := collect(&w, func(a netip.Addr) (Node, bool) {
		asked = append(asked, a.String())
		n, ok := nodes[a]
		return n, ok
	})
	qt.Assert(t, messages, qt.HasLen, 1)
	var names []string
	for _, n := range messages[0].DstNodes {
		names = append(names, fmt.Sprint(n.Name, n.Addresses))
	}
	qt.Check(t, names, qt.DeepEquals, []string{"b[100.64.0.2 fd00::2]", "c[100.64.0.3]", "router[100.64.0.4]"})
	qt.Check(t, asked, qt.DeepEquals, []string{"100.64.0.2", "100.64.0.3", "192.168.1.9"})
}

func TestRecordsAllocateAFewTimesAWindow(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	w := window{nodeID: "n1", start: windowStart, end: windowEnd, srcNode: Node{Name: "a"}}
	for range 10000 {
		w.virtual = append(w.virtual, randomFlow(rnd, 200))
	}
	qt.Check(t, testing.AllocsPerRun(10, func() {
		for range w.records(nil) {
		}
	}) <= 8, qt.IsTrue)
}

func BenchmarkRecords(b *testing.B) {
	for _, flows := range []int{500, 10000} {
		for _, named := range []bool{false, true} {
			b.Run(fmt.Sprintf("flows=%d/named=%t", flows, named), func(b *testing.B) {
				rnd := rand.New(rand.NewPCG(7, 8))
				w := window{nodeID: "n1", start: windowStart, end: windowEnd}
				local := netip.MustParseAddr("100.64.0.1")
				for range flows {
					c := randomFlow(rnd, 200)
					c.Src = netip.AddrPortFrom(local, c.Src.Port())
					w.virtual = append(w.virtual, c)
				}
				var lookup func(netip.Addr) (Node, bool)
				if named {
					lookup = func(a netip.Addr) (Node, bool) { return Node{Name: "node.example.com", User: "someone"}, true }
				}
				shuffled := slices.Clone(w.virtual)
				var buf []byte
				b.ReportAllocs()
				for b.Loop() {
					copy(w.virtual, shuffled)
					for m := range w.records(lookup) {
						buf = appendMessage(buf[:0], m)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*flows), "ns/flow")
			})
		}
	}
}
