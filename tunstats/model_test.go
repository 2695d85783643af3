package tunstats_test

import (
	"math/rand/v2"
	"sync"
	"testing"

	qt "github.com/frankban/quicktest"
	"github.com/go-netlog/netlog/tunstats"
)

// TestCountsEqualThoseOfANaiveMap sends random and mutated packets from several
// goroutines while another extracts, and compares with what a plain map and the
// slow parser make of the same packets.
func TestCountsEqualThoseOfANaiveMap(t *testing.T) {
	perGoroutine := 500_000
	if raceEnabled || testing.Short() {
		perGoroutine = 40_000
	}
	senders := []bool{false, true, true, true} // whether it receives; wireguard-go has one that sends
	s := tunstats.Statistics{MaxFlows: 1 << 24}
	wants := make([]flowCounts, len(senders))

	var sending, extracting sync.WaitGroup
	for i, rx := range senders {
		wants[i] = make(flowCounts)
		sending.Go(func() { sendRandom(&s, rx, rand.New(rand.NewPCG(3, uint64(i))), perGoroutine, wants[i]) })
	}
	got := make(flowCounts)
	done := make(chan struct{})
	extracting.Go(func() {
		for {
			merge(got, s.Extract())
			select {
			case <-done:
				merge(got, s.Extract())
				return
			default:
			}
		}
	})
	sending.Wait()
	close(done)
	extracting.Wait()

	c := qt.New(t)
	want := make(flowCounts)
	for _, w := range wants {
		merge(want, w)
	}
	c.Assert(len(got), qt.Equals, len(want))
	for k, v := range want {
		c.Assert(got[k], qt.Equals, v, qt.Commentf("%v", k))
	}
	c.Check(s.Stats().FoldedPackets, qt.Equals, uint64(0))
}

func merge(into, from flowCounts) {
	for k, v := range from {
		into[k] = into[k].Add(v)
	}
}

// sendRandom counts n packets, one by one and in batches, in s and in want.
func sendRandom(s *tunstats.Statistics, rx bool, r *rand.Rand, n int, want flowCounts) {
	pool := randomPackets(r, 4096)
	bufs := make([][]byte, 64)
	sizes := make([]int, 64)
	for n > 0 {
		size := min(n, 1+r.IntN(64))
		for i := range size {
			bufs[i] = pool[r.IntN(len(pool))]
			sizes[i] = len(bufs[i])
			addNaive(want, bufs[i], rx)
		}
		n -= size
		switch {
		case size == 1 && rx:
			s.UpdateRx(bufs[0])
		case size == 1:
			s.UpdateTx(bufs[0])
		case rx:
			s.UpdateRxBatch(bufs[:size], 0)
		default:
			s.UpdateTxBatch(bufs[:size], sizes[:size], 0)
		}
	}
}

func addNaive(m flowCounts, pkt []byte, rx bool) {
	if len(pkt) == 0 {
		return
	}
	k, c := slowParse(pkt), tunstats.Counts{TxPackets: 1, TxBytes: uint64(len(pkt))}
	if rx {
		k, c = reverse(k), tunstats.Counts{RxPackets: 1, RxBytes: uint64(len(pkt))}
	}
	m[k] = m[k].Add(c)
}

// randomPackets returns ordinary packets, those of the table, and both with a few
// bytes changed or the end cut off.
func randomPackets(r *rand.Rand, n int) [][]byte {
	table := parseCases()
	pkts := make([][]byte, n)
	for i := range pkts {
		pkt := randomFlow(r, 50)
		if r.IntN(2) == 0 {
			if row := table[r.IntN(len(table))].pkt; len(row) < 1024 {
				pkt = append([]byte(nil), row...)
			}
		}
		for range r.IntN(4) {
			pkt[r.IntN(len(pkt))] = byte(r.Uint32())
		}
		if r.IntN(8) == 0 {
			pkt = pkt[:r.IntN(len(pkt)+1)]
		}
		pkts[i] = pkt
	}
	return pkts
}

// TestFoldedCountsAddUp has several goroutines fill a small table at once: which
// flows fold is then up to chance, the sums are not.
func TestFoldedCountsAddUp(t *testing.T) {
	c := qt.New(t)
	s := tunstats.Statistics{MaxFlows: 100}
	wants := make([]flowCounts, 4)
	var wg sync.WaitGroup
	for i := range wants {
		wants[i] = make(flowCounts)
		wg.Go(func() { sendRandom(&s, i%2 == 0, rand.New(rand.NewPCG(4, uint64(i))), 20_000, wants[i]) })
	}
	wg.Wait()
	var want tunstats.Counts
	for _, w := range wants {
		want = want.Add(total(w))
	}
	flows := s.Stats().Flows
	got := s.Extract()
	c.Check(len(got) <= 100+25+1, qt.IsTrue)
	c.Check(len(got), qt.Equals, flows)
	c.Check(total(got), qt.Equals, want)
}

func total(m flowCounts) (sum tunstats.Counts) {
	for _, v := range m {
		sum = sum.Add(v)
	}
	return sum
}
