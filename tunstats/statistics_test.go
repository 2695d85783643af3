package tunstats_test

import (
	"math"
	"math/rand/v2"
	"testing"

	qt "github.com/frankban/quicktest"
	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/tunstats"
	"github.com/go-netlog/netlog/tunstats/internal/slow"
)

type flowCounts = map[flowtrack.Tuple]tunstats.Counts

func TestUpdateRxSharesTuple(t *testing.T) {
	c := qt.New(t)
	var s tunstats.Statistics
	s.UpdateTx(tcp(a4, b4, 1000, 2000))
	s.UpdateRx(tcp(b4, a4, 2000, 1000))
	s.UpdateRx(tcp(b4, a4, 2000, 1000))
	c.Check(s.Stats(), qt.Equals, tunstats.Stats{Flows: 1})
	c.Check(s.Extract(), qt.DeepEquals, flowCounts{
		flow4(flowtrack.TCP, 1000, 2000): {TxPackets: 1, TxBytes: 40, RxPackets: 2, RxBytes: 80},
	})
}

func TestExtractResets(t *testing.T) {
	c := qt.New(t)
	var s tunstats.Statistics
	c.Check(s.Extract(), qt.IsNil)
	s.UpdateTx(v6(17, ports()))
	c.Check(s.Extract(), qt.HasLen, 1)
	c.Check(s.Extract(), qt.IsNil)
	c.Check(s.Stats(), qt.Equals, tunstats.Stats{})
}

func TestUpdateUndecodable(t *testing.T) {
	c := qt.New(t)
	var s tunstats.Statistics
	s.UpdateTx([]byte("junk"))
	s.UpdateRx([]byte{0})
	s.UpdateTx(nil) // no packet
	c.Check(s.Stats(), qt.Equals, tunstats.Stats{Flows: 1, UndecodablePackets: 2})
	c.Check(s.Extract(), qt.DeepEquals, flowCounts{{}: {TxPackets: 1, TxBytes: 4, RxPackets: 1, RxBytes: 1}})
	c.Check(s.Stats(), qt.Equals, tunstats.Stats{UndecodablePackets: 2})
}

func TestUpdateBatchSkipsEmpty(t *testing.T) {
	c := qt.New(t)
	pkt := tcp(a4, b4, 1000, 2000)
	at := append(make([]byte, 16), pkt...)
	room := append(at, make([]byte, 100)...)
	var s tunstats.Statistics
	s.UpdateTxBatch([][]byte{room, room, nil, at}, []int{40, 0, 7, -1, 40}, 16) // more sizes than buffers
	s.UpdateTxBatch([][]byte{room, room}, []int{40}, 16)                        // more buffers than sizes
	s.UpdateTxBatch([][]byte{at}, []int{math.MaxInt}, 16)                       // a size past the end of the buffer
	s.UpdateRxBatch([][]byte{at, at[:16], at[:15], nil}, 16)
	s.UpdateRxBatch(nil, 0)
	s.UpdateTxBatch(nil, nil, 0)
	s.UpdateTxBatch([][]byte{at}, []int{40}, -1)
	s.UpdateRxBatch([][]byte{at}, -1)
	s.UpdateRxBatch([][]byte{at}, math.MaxInt)
	c.Check(s.Extract(), qt.DeepEquals, flowCounts{
		flow4(flowtrack.TCP, 1000, 2000):          {TxPackets: 3, TxBytes: 120},
		reverse(flow4(flowtrack.TCP, 1000, 2000)): {RxPackets: 1, RxBytes: 40},
	})
}

func TestUpdateKeepsNoPacket(t *testing.T) {
	c := qt.New(t)
	var s tunstats.Statistics
	pkt := tcp(a6, b6, 1000, 2000)
	s.UpdateTx(pkt)
	clear(pkt)
	c.Check(s.Extract(), qt.DeepEquals, flowCounts{flow6(flowtrack.TCP, 1000, 2000): {TxPackets: 1, TxBytes: 60}})
}

func TestStatisticsFoldModel(t *testing.T) {
	c := qt.New(t)
	r := rand.New(rand.NewPCG(1, 2))
	for _, limit := range []int{1, 3, 4, 10, 64, 500} {
		s := tunstats.Statistics{MaxFlows: limit}
		var folded uint64
		for range 5 {
			want := slow.Counter{MaxFlows: limit}
			for range 4 * limit {
				pkt := randomFlow(r, limit)
				if r.IntN(2) == 0 {
					want.Tx(pkt)
					s.UpdateTx(pkt)
				} else {
					want.Rx(pkt)
					s.UpdateRx(pkt)
				}
				c.Assert(s.Stats().Flows, qt.Equals, len(want.Counts))
			}
			folded += want.Folded
			c.Assert(s.Stats().FoldedPackets, qt.Equals, folded)
			c.Assert(s.Extract(), qt.DeepEquals, want.Counts)
		}
	}
}

// randomFlow returns a packet of one of about n*n flows, a few of them without ports.
func randomFlow(r *rand.Rand, n int) []byte {
	src, dst := a4, b4
	if r.IntN(2) == 0 {
		src, dst = a6, b6
	}
	if r.IntN(2) == 0 {
		src, dst = dst, src
	}
	switch r.IntN(10) {
	case 0:
		return packetOf(src, dst, uint8(r.IntN(256)), nil)
	case 1:
		return []byte{1}
	}
	return flagged(tcp(src, dst, uint16(r.IntN(n+1)), uint16(r.IntN(n+1))), byte(r.Uint32()))
}

func TestMaxFlowsDefault(t *testing.T) {
	c := qt.New(t)
	for _, limit := range []int{0, -1, math.MinInt} {
		s := tunstats.Statistics{MaxFlows: limit}
		for i := range tunstats.DefaultMaxFlows + 1 {
			s.UpdateTx(tcp(a4, b4, uint16(i), 443))
		}
		c.Check(s.Stats(), qt.Equals, tunstats.Stats{Flows: tunstats.DefaultMaxFlows + 1, FoldedPackets: 1})
	}
}
