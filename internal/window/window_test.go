package window

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/internal/encode"
	"github.com/go-netlog/netlog/internal/encode/encodetest"
	"github.com/go-netlog/netlog/internal/racetest"
	"github.com/go-netlog/netlog/internal/route"
	"github.com/go-netlog/netlog/record"
	"github.com/go-netlog/netlog/tunstats"
)

// classes returns the traffic of w or of a Message by class.
func (w *Window) classes() [][]record.ConnectionCounts {
	return [][]record.ConnectionCounts{w.Virtual, w.Subnet, w.Exit, w.Physical, w.Denied}
}

func classesOf(m *record.Message) [][]record.ConnectionCounts {
	return [][]record.ConnectionCounts{m.VirtualTraffic, m.SubnetTraffic, m.ExitTraffic, m.PhysicalTraffic, m.DeniedTraffic}
}

// ordered brings the traffic of w into the form that records asks for.
func ordered(w *Window) {
	for _, traffic := range w.classes() {
		for i := range traffic {
			c := &traffic[i]
			c.Src, c.Dst = withoutZone(c.Src), withoutZone(c.Dst)
		}
		slices.SortFunc(traffic, func(a, b record.ConnectionCounts) int { return a.Compare(b.Tuple) })
	}
}

// collect returns the records of w, encoded and cloned.
func collect(w *Window, lookup func(netip.Addr) (record.Node, bool)) (encoded []string, messages []*record.Message) {
	for m := range w.Records(lookup) {
		encoded = append(encoded, jsonOf(m))
		messages = append(messages, m.Clone())
	}
	return encoded, messages
}

// checkRecords checks all that records promises of w, against the plainest
// reckoning of it.
func checkRecords(t testing.TB, w *Window, lookup func(netip.Addr) (record.Node, bool)) {
	t.Helper()
	given := make([][]record.ConnectionCounts, 5)
	for i, traffic := range w.classes() {
		given[i] = slices.Clone(traffic)
	}
	asked := make(map[netip.Addr]int)
	counted := func(a netip.Addr) (record.Node, bool) {
		asked[a]++
		return lookup(a)
	}
	written := make([][]record.ConnectionCounts, 5)
	encoded, messages := collect(w, counted)
	for i, m := range messages {
		qt.Assert(t, len(encoded[i]) <= maxRecord, qt.IsTrue, qt.Commentf("%d bytes", len(encoded[i])))
		qt.Assert(t, json.Valid([]byte(encoded[i])), qt.IsTrue)
		qt.Check(t, m.Start, qt.Equals, messages[0].Start)
		qt.Check(t, m.End, qt.Equals, messages[0].End)
		qt.Check(t, len(slices.Concat(classesOf(m)...)) > 0, qt.IsTrue)
		checkNodes(t, w, m, lookup)
		for j, traffic := range classesOf(m) {
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

func randomFlow(rnd *rand.Rand, hosts int) record.ConnectionCounts {
	side := func() netip.AddrPort {
		if rnd.IntN(20) == 0 {
			return netip.AddrPort{}
		}
		return netip.AddrPortFrom(hostAddr(rnd.IntN(hosts)), uint16(rnd.Uint32()))
	}
	count := func() uint64 { return rnd.Uint64() >> rnd.IntN(64) }
	return record.ConnectionCounts{
		Tuple: flowtrack.Tuple{Proto: flowtrack.Proto(rnd.Uint32()), Src: side(), Dst: side()},
		Counts: tunstats.Counts{
			TxPackets: count(), TxBytes: count(), RxPackets: count(), RxBytes: count(), TxFlags: tunstats.TCPFlags(count()), RxFlags: tunstats.TCPFlags(count()),
		},
	}
}

func TestRecordsAgreeWithModel(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range racetest.Rounds(40) {
		hosts := 1 + rnd.IntN(1000)
		w := Window{NodeID: "n1", Start: windowStart, End: windowEnd, SrcNode: record.Node{Addresses: []netip.Addr{hostAddr(0)}}, MaxNames: math.MaxInt}
		for _, traffic := range []*[]record.ConnectionCounts{&w.Virtual, &w.Subnet, &w.Exit, &w.Physical, &w.Denied} {
			for range rnd.IntN(1 << rnd.IntN(12)) {
				*traffic = append(*traffic, randomFlow(rnd, hosts))
			}
		}
		ordered(&w)
		nameSize := rnd.IntN(1 << rnd.IntN(14)) // up to twice what a Node may take
		checkRecords(t, &w, func(a netip.Addr) (record.Node, bool) {
			return record.Node{NodeID: a.String(), Name: strings.Repeat("x", nameSize)}, a.As16()[15]%3 != 0
		})
	}
}

func FuzzRecords(f *testing.F) {
	for i := range 8 {
		f.Add(uint16(1<<i), []byte(strings.Repeat("\x00\x01\x06 zone\"\x00", 8*i)))
	}
	f.Fuzz(func(t *testing.T, times uint16, data []byte) {
		m := encodetest.Message(data)
		w := Window{NodeID: m.NodeID, Start: m.Start, End: m.End, SrcNode: m.SrcNode, MaxNames: math.MaxInt}
		for i, traffic := range []*[]record.ConnectionCounts{&w.Virtual, &w.Subnet, &w.Exit, &w.Physical, &w.Denied} {
			*traffic = slices.Repeat(classesOf(&m)[i], int(times%100))
		}
		ordered(&w)
		checkRecords(t, &w, func(a netip.Addr) (record.Node, bool) {
			return record.Node{Name: m.NodeID, Tags: slices.Repeat([]string{a.String()}, int(a.As16()[15]))}, a.As16()[15]%2 == 0
		})
	})
}

// The largest that everything in a record can be: numbers and addresses, nodes of
// just the size that is still written, a cut NodeID.
func TestRecordsLargestValuesFit(t *testing.T) {
	w := Window{NodeID: strings.Repeat("\x00", 10*maxNodeID), Start: windowStart, End: windowEnd, SrcNode: largestNode("own"), MaxNames: math.MaxInt}
	for i := range 4000 {
		side := func(b byte) netip.AddrPort {
			a := netip.AddrFrom16([16]byte{0xfe, b, 0xee, 0xff, 0xee, 0xff, 0xee, 0xff, 0xee, 0xff, 0xee, 0xff, 0xee, 0xff, 0x80 + byte(i>>8), byte(i)})
			return netip.AddrPortFrom(a, math.MaxUint16)
		}
		w.Subnet = append(w.Subnet, record.ConnectionCounts{
			Tuple: flowtrack.Tuple{Proto: 255, Src: side(0xaa), Dst: side(0xbb)},
			Counts: tunstats.Counts{
				TxPackets: math.MaxUint64, TxBytes: math.MaxUint64, RxPackets: math.MaxUint64, RxBytes: math.MaxUint64, TxFlags: 255, RxFlags: 255,
			},
		})
	}
	_, messages := collect(&w, nil)
	qt.Assert(t, len(messages) > 3, qt.IsTrue)
	for _, m := range messages[:len(messages)-1] {
		// What is left is what the arrays of other classes would need, and short addresses.
		qt.Check(t, len(jsonOf(m)) > maxRecord*98/100, qt.IsTrue, qt.Commentf("%d bytes", len(jsonOf(m))))
	}
	w.Subnet = w.Subnet[:200]
	checkRecords(t, &w, func(a netip.Addr) (record.Node, bool) { return largestNode(a.String()), true })
}

// largestNode returns a Node of exactly maxNode bytes of JSON, but for its address.
func largestNode(name string) record.Node {
	n := record.Node{Name: name, Tags: []string{""}}
	n.Tags[0] = strings.Repeat("x", maxNode-encode.NodeSize(&n)-len(`"addresses":["ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],`))
	return n
}

func TestRecordsNoFlowsNoRecord(t *testing.T) {
	encoded, _ := collect(&Window{NodeID: "n1", Start: windowStart, End: windowEnd}, nil)
	qt.Check(t, encoded, qt.HasLen, 0)
}

func TestRecordsEqualTrafficEqualBytes(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	flows := make(map[flowtrack.Tuple]tunstats.Counts) // in another order each time
	for range 3000 {
		c := randomFlow(rnd, 1000)
		flows[c.Tuple] = c.Counts
	}
	written := func() []string {
		var all Traffic
		all.Collect(flows, route.New(route.Config{}), Full, nil, math.MaxInt32)
		encoded, _ := collect(&Window{Start: windowStart, End: windowEnd, Physical: all.Exit}, nobody)
		return encoded
	}
	want := written()
	qt.Check(t, len(want) > 1, qt.IsTrue)
	qt.Check(t, slices.Equal(written(), want), qt.IsTrue)
}

func TestRecordsStopEarly(t *testing.T) {
	w := Window{Virtual: slices.Repeat([]record.ConnectionCounts{encodetest.Flow(6, "10.0.0.1:1", "10.0.0.2:2", 1)}, 10000)}
	n := 0
	for range w.Records(nil) {
		n++
		break
	}
	qt.Check(t, n, qt.Equals, 1)
}

func TestRecordsCutsAndOmits(t *testing.T) {
	side := netip.MustParseAddrPort("[fe80::1]:1")
	w := Window{
		NodeID:   strings.Repeat("x", maxNodeID-1) + "\u00e9",
		Start:    time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC),
		End:      time.Date(2026, 11, 22, 11, 0, 5, 0, time.FixedZone("", 3600)),
		SrcNode:  record.Node{Name: strings.Repeat("x", maxNode)},
		Physical: []record.ConnectionCounts{{Tuple: flowtrack.Tuple{Src: side, Dst: side}}},
	}
	encoded, _ := collect(&w, nil)
	qt.Check(t, encoded, qt.DeepEquals, []string{
		`{"nodeId":"` + strings.Repeat("x", maxNodeID-1) + `","end":"2026-11-22T10:00:05Z",` +
			`"physicalTraffic":[{"src":"[fe80::1]:1","dst":"[fe80::1]:1"}]}`,
	})
}

var (
	windowStart = time.Date(2026, 11, 22, 10, 0, 0, 1, time.UTC)
	windowEnd   = time.Date(2026, 11, 22, 10, 0, 5, 0, time.UTC)
)

// jsonOf returns the JSON of m.
func jsonOf(m *record.Message) string {
	return string(append(encode.AppendMessage([]byte{'{'}, m), '}'))
}
