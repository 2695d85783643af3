package tunstats_test

import (
	"encoding/binary"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"

	qt "github.com/frankban/quicktest"
	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/tunstats"
)

func TestMeterStartsOff(t *testing.T) {
	c := qt.New(t)
	var m tunstats.Meter
	updateAllWays(&m)
	m.SetStatisticsEnabled(false)
	updateAllWays(&m)
	c.Check(m.ExtractStatistics(), qt.IsNil)
	c.Check(m.Stats(), qt.Equals, tunstats.Stats{})
}

func TestMeterCountsWhileOn(t *testing.T) {
	c := qt.New(t)
	var m tunstats.Meter
	want := flowCounts{flow4(flowtrack.TCP, 1000, 2000): {TxPackets: 3, TxBytes: 120, RxPackets: 3, RxBytes: 120}}
	for range 2 {
		m.SetStatisticsEnabled(true)
		updateAllWays(&m)
		m.SetStatisticsEnabled(false)
		updateAllWays(&m)
		c.Check(m.Stats(), qt.Equals, tunstats.Stats{Flows: 1})
		c.Check(m.ExtractStatistics(), qt.DeepEquals, want, qt.Commentf("turning counting off keeps the counters"))
	}
}

func TestMeterSwitchKeepsCounts(t *testing.T) {
	c := qt.New(t)
	var m tunstats.Meter
	for range 3 {
		m.SetStatisticsEnabled(true)
		m.SetStatisticsEnabled(true)
		m.UpdateTx(tcp(a4, b4, 1, 2))
		m.SetStatisticsEnabled(false)
		m.SetStatisticsEnabled(false)
	}
	c.Check(m.ExtractStatistics(), qt.DeepEquals, flowCounts{flow4(flowtrack.TCP, 1, 2): {TxPackets: 3, TxBytes: 120}})
}

func TestMeterFoldsPastMaxFlows(t *testing.T) {
	c := qt.New(t)
	m := tunstats.Meter{MaxFlows: 1}
	m.SetStatisticsEnabled(true)
	m.UpdateTx(tcp(a4, b4, 1, 1))
	m.UpdateTx(tcp(a4, b4, 2, 2))
	c.Check(m.Stats(), qt.Equals, tunstats.Stats{Flows: 2, FoldedPackets: 1})
}

// updateAllWays counts three packets of one flow in each direction, with all Update methods.
func updateAllWays(m *tunstats.Meter) {
	out, in := tcp(a4, b4, 1000, 2000), tcp(b4, a4, 2000, 1000)
	m.UpdateTx(out)
	m.UpdateRx(in)
	m.UpdateTxN(out, 1, len(out))
	m.UpdateRxN(in, 1, len(in))
	m.UpdateTxBatch([][]byte{out}, []int{len(out)}, 0)
	m.UpdateRxBatch([][]byte{in}, 0)
}

// TestMeterSwitchConcurrent switches counting while packets are sent, each with its own flow. It
// checks that each packet is counted at most once, and exactly once if counting was on throughout
// its Update.
func TestMeterSwitchConcurrent(t *testing.T) {
	const rounds = 1000
	c := qt.New(t)
	m := tunstats.Meter{MaxFlows: 1 << 24}
	var phase atomic.Uint64 // odd while counting is certainly on
	var stop atomic.Bool
	senders := make([]sender, 4)
	var wg sync.WaitGroup
	for i := range senders {
		wg.Go(func() { senders[i].run(&m, uint8(i), &phase, &stop) })
	}
	seen := make(map[flowtrack.Tuple]tunstats.Counts)
	for range rounds {
		m.SetStatisticsEnabled(true)
		phase.Add(1)
		merge(seen, m.ExtractStatistics())
		phase.Add(1)
		m.SetStatisticsEnabled(false)
		merge(seen, m.ExtractStatistics())
		late := m.ExtractStatistics()
		c.Assert(late, qt.IsNil, qt.Commentf("packets were added after SetStatisticsEnabled(false) returned"))
	}
	stop.Store(true)
	wg.Wait()
	c.Assert(m.ExtractStatistics(), qt.IsNil)
	for _, counts := range seen {
		c.Assert(counts.TxPackets+counts.RxPackets, qt.Equals, uint64(1))
	}
	sure := 0
	for i := range senders {
		for _, k := range senders[i].sure {
			_, ok := seen[k]
			c.Assert(ok, qt.IsTrue, qt.Commentf("%v was lost", k))
		}
		sure += len(senders[i].sure)
	}
	t.Logf("%d packets counted, %d of them certainly sent while on", len(seen), sure)
}

// sender is a goroutine that sends packets.
type sender struct {
	sure []flowtrack.Tuple // sent while counting was certainly on
}

func (s *sender) run(m *tunstats.Meter, id uint8, phase *atomic.Uint64, stop *atomic.Bool) {
	for n := uint32(0); !stop.Load(); n++ {
		var serial [4]byte
		binary.BigEndian.PutUint32(serial[:], n)
		peer := netip.AddrFrom4([4]byte{10, id, serial[0], serial[1]})
		port := binary.BigEndian.Uint16(serial[2:])
		k := flowtrack.Tuple{Proto: flowtrack.TCP, Src: netip.AddrPortFrom(a4, 443), Dst: netip.AddrPortFrom(peer, port)}
		out, in := tcp(a4, peer, 443, port), tcp(peer, a4, port, 443)
		before := phase.Load()
		switch id {
		case 0:
			m.UpdateTx(out)
		case 1:
			m.UpdateTxBatch([][]byte{out}, []int{len(out)}, 0)
		case 2:
			m.UpdateRx(in)
		case 3:
			m.UpdateRxBatch([][]byte{in}, 0)
		}
		if before%2 == 1 && phase.Load() == before {
			s.sure = append(s.sure, k)
		}
	}
}
