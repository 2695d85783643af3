package tunstats_test

import (
	"bytes"
	"math/rand/v2"
	"sync"
	"testing"

	qt "github.com/frankban/quicktest"
	"github.com/go-netlog/netlog/internal/racetest"
	"github.com/go-netlog/netlog/tunstats"
	"github.com/go-netlog/netlog/tunstats/internal/slow"
)

// TestStatisticsModel sends random and mutated packets from several goroutines while another
// extracts, and compares the sums with those of a slow.Counter.
func TestStatisticsModel(t *testing.T) {
	perGoroutine := 500_000
	if racetest.Enabled || testing.Short() {
		perGoroutine = 40_000
	}
	senders := []bool{false, true, true, true} // whether it receives; wireguard-go sends from one goroutine
	s := tunstats.Statistics{MaxFlows: 1 << 24}
	wants := make([]slow.Counter, len(senders))

	var sending, extracting sync.WaitGroup
	for i, rx := range senders {
		sending.Go(func() { sendRandom(&s, rx, rand.New(rand.NewPCG(3, uint64(i))), perGoroutine, &wants[i]) })
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
		merge(want, w.Counts)
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

// sendRandom counts n random packets in s, one by one and in batches, and in want.
func sendRandom(s *tunstats.Statistics, rx bool, r *rand.Rand, n int, want *slow.Counter) {
	pool := randomPackets(r, 4096)
	bufs := make([][]byte, 64)
	sizes := make([]int, 64)
	for n > 0 {
		size := min(n, 1+r.IntN(64))
		if size == 1 && r.IntN(2) == 0 {
			n--
			sendPart(s, rx, r, pool[r.IntN(len(pool))], want)
			continue
		}
		for i := range size {
			bufs[i] = pool[r.IntN(len(pool))]
			sizes[i] = len(bufs[i])
			if rx {
				want.Rx(bufs[i])
			} else {
				want.Tx(bufs[i])
			}
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

// sendPart counts the beginning of some packets in s and in want.
func sendPart(s *tunstats.Statistics, rx bool, r *rand.Rand, head []byte, want *slow.Counter) {
	packets, bytes := 1+r.IntN(45), len(head)+r.IntN(2)*r.IntN(1<<17)
	head = head[:r.IntN(len(head)+1)]
	if rx {
		s.UpdateRxN(head, packets, bytes)
		want.RxN(head, packets, bytes)
	} else {
		s.UpdateTxN(head, packets, bytes)
		want.TxN(head, packets, bytes)
	}
}

// randomPackets returns n packets: ordinary ones and those of the table, some of them with a few
// bytes changed or the end cut off.
func randomPackets(r *rand.Rand, n int) [][]byte {
	var table [][]byte
	for _, tt := range parseCases() {
		table = append(table, tt.pkt)
	}
	for _, tt := range flagCases() {
		table = append(table, tt.pkt)
	}
	pkts := make([][]byte, n)
	for i := range pkts {
		pkt := randomFlow(r, 50)
		if r.IntN(2) == 0 {
			if row := table[r.IntN(len(table))]; len(row) < 1024 {
				pkt = bytes.Clone(row)
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

// TestStatisticsFoldConcurrent fills a small table from several goroutines at once. Which flows
// fold depends on chance, but the sums do not.
func TestStatisticsFoldConcurrent(t *testing.T) {
	c := qt.New(t)
	s := tunstats.Statistics{MaxFlows: 100}
	wants := make([]slow.Counter, 4)
	var wg sync.WaitGroup
	for i := range wants {
		wg.Go(func() { sendRandom(&s, i%2 == 0, rand.New(rand.NewPCG(4, uint64(i))), 20_000, &wants[i]) })
	}
	wg.Wait()
	var want tunstats.Counts
	for _, w := range wants {
		want = want.Add(total(w.Counts))
	}
	flows := s.Stats().Flows
	got := s.Extract()
	c.Check(len(got) <= 100+25+1, qt.IsTrue)
	c.Check(len(got), qt.Equals, flows)
	c.Check(total(got), qt.Equals, want)
}

// total returns the sum of all counts, without flags, which depend on the flows that were folded.
func total(m flowCounts) (sum tunstats.Counts) {
	for _, v := range m {
		sum = sum.Add(v)
	}
	sum.TxFlags, sum.RxFlags = 0, 0
	return sum
}
