package tunstats_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/go-netlog/netlog/tunstats"
)

// BenchmarkUpdate measures one packet of a known flow, alone or in a batch. internal/bench compares
// it with other implementations.
func BenchmarkUpdate(b *testing.B) {
	for _, v := range []struct {
		name     string
		src, dst netip.Addr
	}{
		{"4", netip.MustParseAddr("100.64.0.1"), netip.MustParseAddr("100.64.0.2")},
		{"6", netip.MustParseAddr("fd7a::1"), netip.MustParseAddr("fd7a::2")},
	} {
		for _, flows := range []int{1, 1000, 100_000} {
			pkts := make([][]byte, max(flows, 64))
			sizes := make([]int, len(pkts))
			for i := range pkts {
				pkts[i] = tcp(v.src, v.dst, uint16(i%flows), uint16(i%flows>>16))
				sizes[i] = len(pkts[i])
			}
			rand.Shuffle(len(pkts), func(i, j int) { pkts[i], pkts[j] = pkts[j], pkts[i] })
			b.Run(fmt.Sprintf("family=%s/flows=%d/batch=1", v.name, flows), func(b *testing.B) {
				m := tunstats.Meter{MaxFlows: 1 << 20}
				m.SetStatisticsEnabled(true)
				for _, pkt := range pkts {
					m.UpdateTx(pkt)
				}
				i := 0
				for b.Loop() {
					m.UpdateTx(pkts[i])
					if i++; i == len(pkts) {
						i = 0
					}
				}
			})
			b.Run(fmt.Sprintf("family=%s/flows=%d/batch=64", v.name, flows), func(b *testing.B) {
				m := tunstats.Meter{MaxFlows: 1 << 20}
				m.SetStatisticsEnabled(true)
				for _, pkt := range pkts {
					m.UpdateTx(pkt)
				}
				i, n := 0, 0
				for b.Loop() {
					if n++; n%64 == 0 {
						m.UpdateTxBatch(pkts[i:i+64], sizes[i:i+64], 0)
						if i += 64; i+64 > len(pkts) {
							i = 0
						}
					}
				}
			})
		}
	}
}

// BenchmarkUpdateOff measures one packet while counting is off.
func BenchmarkUpdateOff(b *testing.B) {
	var m tunstats.Meter
	pkt := tcp(netip.MustParseAddr("100.64.0.1"), netip.MustParseAddr("100.64.0.2"), 1, 2)
	for b.Loop() {
		m.UpdateTx(pkt)
	}
}
