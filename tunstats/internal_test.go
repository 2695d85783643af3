package tunstats

import (
	"math"
	"math/bits"
	"testing"
	"unsafe"

	qt "github.com/frankban/quicktest"
	"github.com/go-netlog/netlog/flowtrack"
)

// TestCountsSaturate sets counters close to their limit, since it cannot send 2^64 packets.
func TestCountsSaturate(t *testing.T) {
	c := qt.New(t)
	const most = math.MaxUint64
	got := Counts{most, most - 1, 1, most, SYN, FIN}.Add(Counts{1, 1, most, most, SYN | ACK, 0})
	c.Check(got, qt.Equals, Counts{most, most, most, most, SYN | ACK, FIN})

	ping := []byte{0x45, 0, 0, 20, 0, 0, 0, 0, 64, 1, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2}
	for _, pkt := range [][]byte{ping, {0, 0, 0}} {
		var s Statistics
		s.UpdateTx(pkt)
		ct := s.counter.Load()
		ct.each(func(d direction, sh *shard) {
			near := func(e *entry) { e.packets, e.bytes = most-1, most-2 }
			if sh.zero.packets != 0 {
				near(&sh.zero)
			}
			for i := range sh.table.entries {
				near(&sh.table.entries[i])
			}
		})
		s.UpdateTx(pkt)
		s.UpdateTxN(pkt, math.MaxInt, math.MaxInt)
		m := s.Extract()
		c.Check(m, qt.HasLen, 1)
		for _, counts := range m {
			c.Check(counts, qt.Equals, Counts{TxPackets: most, TxBytes: most})
		}
	}
}

// TestMeterOffIgnoresUpdateInFlight calls what an Update calls next if it found counting on just
// before it was turned off.
func TestMeterOffIgnoresUpdateInFlight(t *testing.T) {
	c := qt.New(t)
	pkt := []byte{0}
	var m Meter
	m.SetStatisticsEnabled(true)
	m.UpdateTx(pkt)
	m.SetStatisticsEnabled(false)
	m.stats.UpdateTx(pkt)
	m.stats.UpdateRx(pkt)
	m.stats.UpdateTxBatch([][]byte{pkt}, []int{1}, 0)
	m.stats.UpdateRxBatch([][]byte{pkt}, 0)
	c.Check(m.ExtractStatistics(), qt.DeepEquals, map[flowtrack.Tuple]Counts{{}: {TxPackets: 1, TxBytes: 1}})
}

func TestEntryFillsCacheLine(t *testing.T) {
	qt.Check(t, unsafe.Sizeof(entry{}), qt.Equals, uintptr(64))
}

func TestKeyZeroIsZeroTuple(t *testing.T) {
	qt.Check(t, new(key).tuple(), qt.Equals, flowtrack.Tuple{})
}

// TestHashSpreadsSimilarKeys checks that flows that differ in one field, as in a scan, spread over the
// slots as random numbers do, at both ends of the hash.
func TestHashSpreadsSimilarKeys(t *testing.T) {
	const n = 1 << 14
	base := key{srcHi: 0xfd7a, srcLo: 1, dstHi: 0xfd7a, dstLo: 2, meta: version6 | uint64(flowtrack.TCP)<<protoShift | 443}
	places := map[string]func(k *key, i uint64){
		"source port":              func(k *key, i uint64) { k.meta += bits.ReverseBytes64(i) >> 48 },
		"destination port":         func(k *key, i uint64) { k.meta += i << 16 },
		"low end of the source":    func(k *key, i uint64) { k.srcLo += i },
		"high end of the source":   func(k *key, i uint64) { k.srcHi += i << 48 },
		"low end of both":          func(k *key, i uint64) { k.srcLo += i; k.dstLo += i },
		"both the same":            func(k *key, i uint64) { k.srcHi, k.srcLo = i, i; k.dstHi, k.dstLo = i, i },
		"destination and its port": func(k *key, i uint64) { k.dstLo += i & 127; k.meta += i >> 7 << 16 },
	}
	for name, edit := range places {
		for range 4 {
			seeds := &newCounter(0).seeds
			low, high := make(map[uint64]bool), make(map[uint64]bool)
			for i := range uint64(n) {
				k := base
				edit(&k, i)
				h := seeds.hash(&k)
				low[h%(2*n)], high[h>>(64-15)] = true, true
			}
			// n random numbers take 2n(1-1/sqrt(e)) = 0.787n slots, give or take 0.003n.
			for _, slots := range []int{len(low), len(high)} {
				qt.Check(t, slots > n*75/100, qt.IsTrue, qt.Commentf("%s: %d slots for %d flows", name, slots, n))
			}
		}
	}
}

func TestSeedsDiffer(t *testing.T) {
	qt.Check(t, newCounter(0).seeds, qt.Not(qt.Equals), newCounter(0).seeds)
}
