package netlog

import (
	"encoding/json"
	"fmt"
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

// ordered brings the traffic of w into the form that records asks for.
func ordered(w *window) {
	for _, traffic := range w.classes() {
		for i := range traffic {
			c := &traffic[i]
			c.Src, c.Dst = withoutZone(c.Src), withoutZone(c.Dst)
		}
		slices.SortFunc(traffic, compareConnections)
	}
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
		given[i] = slices.Clone(traffic)
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
		qt.Assert(t, slices.Equal(written[i], given[i]), qt.IsTrue, qt.Commentf("class %d", i))
	}
	for a, times := range asked {
		qt.Check(t, times, qt.Equals, 1, qt.Commentf("%v", a))
		qt.Check(t, a.IsValid() && !a.Is4In6() && a.Zone() == "", qt.IsTrue)
	}
}

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
	for range 40 / fewer {
		hosts := 1 + rnd.IntN(1000)
		w := window{nodeID: "n1", start: windowStart, end: windowEnd, srcNode: Node{Addresses: []netip.Addr{hostAddr(0)}}, maxNames: math.MaxInt}
		for _, traffic := range []*[]ConnectionCounts{&w.virtual, &w.subnet, &w.exit, &w.physical} {
			for range rnd.IntN(1 << rnd.IntN(12)) {
				*traffic = append(*traffic, randomFlow(rnd, hosts))
			}
		}
		ordered(&w)
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
		w := window{nodeID: m.NodeID, start: m.Start, end: m.End, srcNode: m.SrcNode, maxNames: math.MaxInt}
		for i, traffic := range []*[]ConnectionCounts{&w.virtual, &w.subnet, &w.exit, &w.physical} {
			*traffic = slices.Repeat(m.classes()[i], int(times%100))
		}
		ordered(&w)
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
		{"no member at all", ConnectionCounts{}, 120},
		{"IPv4", conn(255, "255.255.255.255:65535", "255.255.255.255:65535", math.MaxUint64, math.MaxUint64, math.MaxUint64, math.MaxUint64), 0},
		{"IPv6", conn(255, "[ffff:eeee:ffff:eeee:ffff:eeee:ffff:eeee]:65535", "[ffff:eeee:ffff:eeee:ffff:eeee:ffff:eeee]:65535", math.MaxUint64, math.MaxUint64, math.MaxUint64, math.MaxUint64), 2},
		{"4-in-6", conn(255, "[::ffff:255.255.255.255]:65535", "[::ffff:255.255.255.255]:65535", math.MaxUint64, math.MaxUint64, math.MaxUint64, math.MaxUint64), 40},
		{"an ordinary flow", conn(flowtrack.TCP, "100.64.0.1:49152", "100.64.12.34:443", 12, 3456, 12, 34567), 20},
	} {
		t.Run(test.name, func(t *testing.T) {
			size := len(appendTraffic(nil, "", []ConnectionCounts{test.flow})) - len("],") + len(",")
			bound := jsonSize(&test.flow)
			qt.Check(t, bound >= size, qt.IsTrue, qt.Commentf("%d bytes, bound %d", size, bound))
			qt.Check(t, bound <= size+test.slack, qt.IsTrue, qt.Commentf("%d bytes, bound %d", size, bound))
		})
	}
}

func TestTheBoundOnDigitsHoldsForEveryLength(t *testing.T) {
	check := func(v uint64) {
		want := len(fmt.Sprint(v))
		qt.Check(t, digits(v) == want || digits(v) == want+1, qt.IsTrue, qt.Commentf("%d", v))
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

// The largest that everything in a record can be: numbers and addresses, nodes of
// just the size that is still written, a cut NodeID.
func TestTheLargestValuesStayWithinARecord(t *testing.T) {
	w := window{nodeID: strings.Repeat("\x00", 10*maxNodeID), start: windowStart, end: windowEnd, srcNode: largestNode("own"), maxNames: math.MaxInt}
	for i := range 4000 {
		side := func(b byte) netip.AddrPort {
			a := netip.AddrFrom16([16]byte{0xfe, b, 0xee, 0xff, 0xee, 0xff, 0xee, 0xff, 0xee, 0xff, 0xee, 0xff, 0xee, 0xff, 0x80 + byte(i>>8), byte(i)})
			return netip.AddrPortFrom(a, math.MaxUint16)
		}
		w.subnet = append(w.subnet, ConnectionCounts{
			Tuple:  flowtrack.Tuple{Proto: 255, Src: side(0xaa), Dst: side(0xbb)},
			Counts: tunstats.Counts{TxPackets: math.MaxUint64, TxBytes: math.MaxUint64, RxPackets: math.MaxUint64, RxBytes: math.MaxUint64},
		})
	}
	_, messages := collect(&w, nil)
	qt.Assert(t, len(messages) > 3, qt.IsTrue)
	for _, m := range messages[:len(messages)-1] {
		// What is left is what the arrays of other classes would need, and short addresses.
		qt.Check(t, len(encode(m)) > maxRecord*98/100, qt.IsTrue, qt.Commentf("%d bytes", len(encode(m))))
	}
	w.subnet = w.subnet[:200]
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
	flows := make(map[flowtrack.Tuple]tunstats.Counts) // in another order each time
	for range 3000 {
		c := randomFlow(rnd, 1000)
		flows[c.Tuple] = c.Counts
	}
	written := func() []string {
		var all traffic
		all.collect(flows, newRouteTable(nil), ExitFull, nil, math.MaxInt32)
		encoded, _ := collect(&window{start: windowStart, end: windowEnd, physical: all.exit}, nobody)
		return encoded
	}
	want := written()
	qt.Check(t, len(want) > 1, qt.IsTrue)
	qt.Check(t, slices.Equal(written(), want), qt.IsTrue)
}

func TestRecordsEndWhereTheReaderStops(t *testing.T) {
	w := window{virtual: slices.Repeat([]ConnectionCounts{conn(6, "10.0.0.1:1", "10.0.0.2:2", 1)}, 10000)}
	n := 0
	for range w.records(nil) {
		n++
		break
	}
	qt.Check(t, n, qt.Equals, 1)
}

func TestWhatRecordsDoNotWriteAsGiven(t *testing.T) {
	side := netip.MustParseAddrPort("[fe80::1]:1")
	w := window{
		nodeID:   strings.Repeat("x", maxNodeID-1) + "\u00e9",
		start:    time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC),
		end:      time.Date(2026, 11, 22, 11, 0, 5, 0, time.FixedZone("", 3600)),
		srcNode:  Node{Name: strings.Repeat("x", maxNode)},
		physical: []ConnectionCounts{{Tuple: flowtrack.Tuple{Src: side, Dst: side}}},
	}
	encoded, _ := collect(&w, nil)
	qt.Check(t, encoded, qt.DeepEquals, []string{
		`{"nodeId":"` + strings.Repeat("x", maxNodeID-1) + `","end":"2026-11-22T10:00:05Z",` +
			`"physicalTraffic":[{"src":"[fe80::1]:1","dst":"[fe80::1]:1"}]}`,
	})
}
