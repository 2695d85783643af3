package tunstats_test

import (
	"encoding/binary"
	"net/netip"
	"runtime"
	"testing"

	qt "github.com/frankban/quicktest"
	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/internal/racetest"
	"github.com/go-netlog/netlog/tunstats"
)

// TestMeterScanMemory sends 2,000,000 packets of one flow each, between the packets of an older
// flow.
func TestMeterScanMemory(t *testing.T) {
	racetest.Skip(t) // it uses more memory
	const scan, maxGrowth = 2_000_000, 12 << 20
	for _, tt := range []struct {
		name string
		pkt  []byte
		at   int // offset in pkt of the address that numbers the flows
	}{
		{"IPv4", tcp(a4, b4, 1, 443), 12},
		{"IPv6", tcp(a6, b6, 1, 443), 20},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := qt.New(t)
			m := new(tunstats.Meter)
			m.SetStatisticsEnabled(true)
			out, in := tcp(a4, b4, 5, 6), tcp(b4, a4, 6, 5)
			before := liveHeap()
			for n := range scan {
				if n%1000 == 0 {
					m.UpdateTx(out)
					m.UpdateRx(in)
				}
				binary.BigEndian.PutUint32(tt.pkt[tt.at:], uint32(n)*2654435761)
				if n%2 == 0 {
					m.UpdateTx(tt.pkt)
				} else {
					m.UpdateRx(tt.pkt)
				}
			}
			grown := liveHeap() - before
			c.Check(grown < maxGrowth, qt.IsTrue, qt.Commentf("%d bytes", grown))
			t.Logf("%d KiB live after the scan", grown>>10)
			stats := m.Stats()
			got := m.ExtractStatistics()
			grown = liveHeap() - before
			c.Check(grown < maxGrowth, qt.IsTrue, qt.Commentf("%d bytes with the map", grown))
			t.Logf("%d KiB live after the extraction", grown>>10)
			c.Check(len(got), qt.Equals, stats.Flows)
			c.Check(stats.Flows <= tunstats.DefaultMaxFlows/4*5+1, qt.IsTrue)
			c.Check(stats.FoldedPackets, qt.Equals, uint64(scan+1-tunstats.DefaultMaxFlows))
			c.Check(got[flow4(flowtrack.TCP, 5, 6)], qt.Equals, tunstats.Counts{TxPackets: 2000, TxBytes: 80_000, RxPackets: 2000, RxBytes: 80_000})
			packets, bytes := uint64(scan/2+2000), scan/2*uint64(len(tt.pkt))+80_000
			c.Check(total(got), qt.Equals, tunstats.Counts{TxPackets: packets, TxBytes: bytes, RxPackets: packets, RxBytes: bytes})
			got = nil
			m.ExtractStatistics()
			m.ExtractStatistics()
			c.Check(liveHeap()-before < 64<<10, qt.IsTrue, qt.Commentf("%d bytes remain", liveHeap()-before))
			runtime.KeepAlive(m)
		})
	}
}

// liveHeap returns the bytes in use on the heap after garbage collection.
func liveHeap() int64 {
	runtime.GC()
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc)
}

// TestStatisticsWorstCaseMemory sends batches that each begin with another address, so that each
// shard gets all flows.
func TestStatisticsWorstCaseMemory(t *testing.T) {
	racetest.Skip(t) // it uses more memory
	c := qt.New(t)
	out := make([][]byte, tunstats.DefaultMaxFlows)
	in := make([][]byte, len(out))
	sizes := make([]int, len(out))
	for i := range out {
		near, far := netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)})
		out[i], in[i] = tcp(near, far, 1, 2), tcp(far, near, 2, 1)
		sizes[i] = len(out[i])
	}
	var s tunstats.Statistics
	before := liveHeap()
	for i := range 64 {
		s.UpdateTxBatch(out[i:], sizes[i:], 0)
		s.UpdateRxBatch(in[i:], 0)
	}
	grown := liveHeap() - before
	c.Check(grown < 12<<20, qt.IsTrue, qt.Commentf("%d bytes", grown))
	t.Logf("%d KiB live", grown>>10)
	c.Check(s.Extract(), qt.HasLen, len(out))
	runtime.KeepAlive([]any{out, in, &s})
}

func TestMeterIdleMemory(t *testing.T) {
	racetest.Skip(t) // it uses more memory
	c := qt.New(t)
	before := liveHeap()
	m := new(tunstats.Meter)
	m.SetStatisticsEnabled(true)
	m.UpdateTx(tcp(a4, b4, 1, 2))
	c.Check(liveHeap()-before < 16<<10, qt.IsTrue, qt.Commentf("%d bytes", liveHeap()-before))
	runtime.KeepAlive(m)
}

func TestUpdateAllocs(t *testing.T) {
	racetest.Skip(t) // it allocates
	var bufs [][]byte
	var sizes []int
	for _, tt := range parseCases() {
		bufs, sizes = append(bufs, tt.pkt), append(sizes, len(tt.pkt))
	}
	peers := make([][]byte, 1000) // many addresses, so that all shards are used
	for i := range peers {
		peers[i] = tcp(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), a4, 1, 2)
	}
	var on, off tunstats.Meter
	on.SetStatisticsEnabled(true)
	for _, tt := range []struct {
		name string
		f    func()
	}{
		{"UpdateTx", func() {
			for _, b := range bufs {
				on.UpdateTx(b)
			}
		}},
		{"UpdateRx", func() {
			for _, b := range bufs {
				on.UpdateRx(b)
			}
		}},
		{"UpdateTxN", func() {
			for _, b := range bufs {
				on.UpdateTxN(b, 2, 2*len(b))
			}
		}},
		{"UpdateRxN", func() {
			for _, b := range bufs {
				on.UpdateRxN(b, 2, 2*len(b))
			}
		}},
		{"UpdateTxBatch", func() { on.UpdateTxBatch(bufs, sizes, 0) }},
		{"UpdateRxBatch", func() { on.UpdateRxBatch(bufs, 0) }},
		{"many peers", func() { on.UpdateRxBatch(peers, 0) }},
		{"Stats", func() { on.Stats() }},
		{"off", func() { updateBatches(&off, bufs, sizes) }},
		{"off and idle", func() { off.ExtractStatistics() }},
	} {
		qt.Check(t, testing.AllocsPerRun(100, tt.f), qt.Equals, 0.0, qt.Commentf("%s", tt.name))
	}
	on.ExtractStatistics()
	qt.Check(t, testing.AllocsPerRun(100, func() { on.ExtractStatistics() }), qt.Equals, 0.0, qt.Commentf("on and idle"))
}

func updateBatches(m *tunstats.Meter, bufs [][]byte, sizes []int) {
	m.UpdateTx(bufs[0])
	m.UpdateRx(bufs[0])
	m.UpdateTxN(bufs[0], 1, sizes[0])
	m.UpdateRxN(bufs[0], 1, sizes[0])
	m.UpdateTxBatch(bufs, sizes, 0)
	m.UpdateRxBatch(bufs, 0)
}
