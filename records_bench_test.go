package netlog

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"testing"

	qt "github.com/frankban/quicktest"
)

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
				w := window{nodeID: "n1", start: windowStart, end: windowEnd, maxNames: math.MaxInt}
				local := netip.MustParseAddr("100.64.0.1")
				for range flows {
					c := randomFlow(rnd, 200)
					c.Src = netip.AddrPortFrom(local, c.Src.Port())
					w.virtual = append(w.virtual, c)
				}
				known := make(map[netip.Addr]Node)
				for i := range 200 {
					a := hostAddr(i).Unmap()
					known[a] = Node{Name: "node.example.com", User: "someone", Addresses: []netip.Addr{a}}
				}
				var lookup func(netip.Addr) (Node, bool)
				if named {
					lookup = func(a netip.Addr) (Node, bool) { return known[a], true }
				}
				ordered(&w)
				var buf []byte
				b.ReportAllocs()
				for b.Loop() {
					for m := range w.records(lookup) {
						buf = appendMessage(buf[:0], m)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*flows), "ns/flow")
			})
		}
	}
}
