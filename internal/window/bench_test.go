package window

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/encode"
	"github.com/go-netlog/netlog/record"
)

func TestRecordsAllocs(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	w := Window{NodeID: "n1", Start: windowStart, End: windowEnd, SrcNode: record.Node{Name: "a"}}
	for range 10000 {
		w.Virtual = append(w.Virtual, randomFlow(rnd, 200))
	}
	qt.Check(t, testing.AllocsPerRun(10, func() {
		for range w.Records(nil) {
		}
	}) <= 8, qt.IsTrue)
}

func BenchmarkRecords(b *testing.B) {
	for _, flows := range []int{500, 10000} {
		for _, named := range []bool{false, true} {
			b.Run(fmt.Sprintf("flows=%d/named=%t", flows, named), func(b *testing.B) {
				rnd := rand.New(rand.NewPCG(7, 8))
				w := Window{NodeID: "n1", Start: windowStart, End: windowEnd, MaxNames: math.MaxInt}
				local := netip.MustParseAddr("100.64.0.1")
				for range flows {
					c := randomFlow(rnd, 200)
					c.Src = netip.AddrPortFrom(local, c.Src.Port())
					w.Virtual = append(w.Virtual, c)
				}
				known := make(map[netip.Addr]record.Node)
				for i := range 200 {
					a := hostAddr(i).Unmap()
					known[a] = record.Node{Name: "node.example.com", User: "someone", Addresses: []netip.Addr{a}}
				}
				var lookup func(netip.Addr) (record.Node, bool)
				if named {
					lookup = func(a netip.Addr) (record.Node, bool) { return known[a], true }
				}
				ordered(&w)
				var buf []byte
				b.ReportAllocs()
				for b.Loop() {
					for m := range w.Records(lookup) {
						buf = encode.AppendMessage(buf[:0], m)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*flows), "ns/flow")
			})
		}
	}
}
