package tunstats_test

import (
	"math"
	"testing"

	qt "github.com/frankban/quicktest"
	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/tunstats"
)

func TestUpdateN(t *testing.T) {
	long4, long6 := tcp(a4, b4, 1000, 2000), tcp(a6, b6, 1000, 2000)
	long4 = append(long4, make([]byte, 1460)...)
	set(2, 1500>>8, 1500&0xff)(long4)
	long6 = append(long6, make([]byte, 1440)...)
	set(4, 1460>>8, 1460&0xff)(long6)
	options := v4(17, append(make([]byte, 40), ports()...), set(0, 0x4f))
	unstated4, unstated6 := v4(6, ports(), set(2, 0, 0)), v6(6, ports(), set(4, 0, 0))
	extended := v6(60, ext(17, 64, ports()))
	cut4, cut6 := flow4(0, 0, 0), flow6(0, 0, 0)
	for _, tt := range []struct {
		name           string
		head           []byte
		packets, bytes int
		want           flowtrack.Tuple
	}{
		{"whole packet", long4, 1, 1500, flow4(flowtrack.TCP, 1000, 2000)},
		{"IPv4 first 96 bytes", long4[:96], 1, 1500, flow4(flowtrack.TCP, 1000, 2000)},
		{"IPv6 first 96 bytes", long6[:96], 1, 1500, flow6(flowtrack.TCP, 1000, 2000)},
		{"IPv4 up to the ports", long4[:24], 1, 1500, flow4(flowtrack.TCP, 1000, 2000)},
		{"IPv6 up to the ports", long6[:44], 1, 1500, flow6(flowtrack.TCP, 1000, 2000)},
		{"IPv4 inside the ports", long4[:23], 1, 1500, cut4},
		{"IPv6 inside the ports", long6[:43], 1, 1500, cut6},
		{"IPv4 inside the options", options[:59], 1, 68, cut4},
		{"IPv4 up to the options", options[:60], 1, 68, cut4},
		{"IPv6 inside an extension header", extended[:103], 1, 112, cut6},
		{"IPv6 up to the end of an extension header", extended[:108], 1, 112, flow6(flowtrack.UDP, 1000, 2000)},
		{"IPv4 inside the header", long4[:19], 1, 1500, flowtrack.Tuple{}},
		{"IPv6 inside the header", long6[:39], 1, 1500, flowtrack.Tuple{}},
		{"nothing", nil, 1, 1500, flowtrack.Tuple{}},
		{"IPv4 merged segments", long4[:64], 44, 44 * 1500, flow4(flowtrack.TCP, 1000, 2000)},
		{"IPv6 merged segments", long6[:64], 44, 44 * 1500, flow6(flowtrack.TCP, 1000, 2000)},
		{"IPv4 more than the total length can state", unstated4, 45, 1 << 16, flow4(flowtrack.TCP, 1000, 2000)},
		{"IPv6 more than the payload length can state", unstated6, 45, 1 << 16, flow6(flowtrack.TCP, 1000, 2000)},
		{"IPv4 total length 0 of a small packet", unstated4, 1, 1<<16 - 1, cut4},
		{"IPv6 payload length 0 of a small packet", unstated6, 1, 1<<16 - 1, cut6},
		{"IPv4 truncated before it was captured", long4[:96], 1, 1499, cut4},
		{"IPv6 truncated before it was captured", long6[:96], 1, 1499, cut6},
		{"IPv4 ports outside the total length", v4(17, ports(), set(2, 0, 23)), 1, 60, cut4},
		{"IPv4 trailing bytes", long4[:64], 1, 1600, flow4(flowtrack.TCP, 1000, 2000)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n, bytes := uint64(tt.packets), uint64(tt.bytes)
			var s tunstats.Statistics
			s.UpdateTxN(tt.head, tt.packets, tt.bytes)
			checkOnly(t, s.Extract(), tt.want, tunstats.Counts{TxPackets: n, TxBytes: bytes})
			s.UpdateRxN(tt.head, tt.packets, tt.bytes)
			checkOnly(t, s.Extract(), reverse(tt.want), tunstats.Counts{RxPackets: n, RxBytes: bytes})
		})
	}
}

func TestUpdateNIgnoresNumbersBelowOne(t *testing.T) {
	var s tunstats.Statistics
	pkt := tcp(a4, b4, 1000, 2000)
	for _, n := range []struct{ packets, bytes int }{{0, 40}, {1, 0}, {-1, 40}, {1, -40}, {0, 0}, {math.MinInt, math.MinInt}} {
		s.UpdateTxN(pkt, n.packets, n.bytes)
		s.UpdateRxN(pkt, n.packets, n.bytes)
	}
	qt.Check(t, s.Extract(), qt.IsNil)
}

func TestUpdateNStats(t *testing.T) {
	s := tunstats.Statistics{MaxFlows: 1}
	s.UpdateTxN(tcp(a4, b4, 1, 1), 5, 200)
	s.UpdateTxN(tcp(a4, b4, 2, 2), 7, 280)
	s.UpdateRxN(nil, 11, 440)
	qt.Check(t, s.Stats(), qt.Equals, tunstats.Stats{Flows: 2, FoldedPackets: 7, UndecodablePackets: 11})
}
