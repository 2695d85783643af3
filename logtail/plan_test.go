package logtail

import (
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"

	qt "github.com/frankban/quicktest"
)

// runPlan sends a batch of n entries to a server that refuses those in poison,
// and returns what arrived, what was given up, and the number of requests.
func runPlan(n int, poison map[int]bool, limit int) (sent, refused []int, requests int, ok bool) {
	sizes := slices.Repeat([]int{1}, n)
	p := newPlan(sizes, limit)
	for {
		s, more := p.next()
		if !more {
			break
		}
		requests++
		bad := false
		for i := s.from; i < s.to; i++ {
			bad = bad || poison[i]
		}
		if bad {
			p.refuse()
			continue
		}
		for i := s.from; i < s.to; i++ {
			sent = append(sent, i)
		}
		p.accept()
	}
	refused, ok = p.end()
	return sent, refused, requests, ok
}

// Whatever is poison in a batch: it is given up, all else arrives once and in
// order, and each poison costs 2 log2(n) requests at most.
func TestPlanFindsExactlyThePoison(t *testing.T) {
	c := qt.New(t)
	rng := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		n := 1 + rng.IntN(100)
		poison := map[int]bool{}
		for range rng.IntN(4) {
			poison[rng.IntN(n)] = true
		}
		sent, refused, requests, ok := runPlan(n, poison, n)
		if len(poison) == n {
			c.Assert(ok, qt.IsFalse)
			c.Assert(sent, qt.HasLen, 0)
			continue
		}
		c.Assert(ok, qt.IsTrue)
		c.Assert(slices.IsSorted(sent), qt.IsTrue)
		c.Assert(len(sent)+len(refused), qt.Equals, n)
		c.Assert(len(refused), qt.Equals, len(poison))
		for _, i := range refused {
			c.Assert(poison[i], qt.IsTrue)
		}
		log2 := bits.Len(uint(n - 1)) // rounded up
		c.Assert(requests <= 1+2*log2*len(poison), qt.IsTrue, qt.Commentf("%d requests for %v of %d", requests, poison, n))
	}
}

func TestPlanKeepsToTheLimit(t *testing.T) {
	c := qt.New(t)
	p := newPlan([]int{5, 5, 20, 3, 3, 3, 3}, 10)
	var got [][2]int
	for {
		s, ok := p.next()
		if !ok {
			break
		}
		got = append(got, [2]int{s.from, s.to})
		p.accept()
	}
	c.Check(got, qt.DeepEquals, [][2]int{{0, 2}, {2, 3}, {3, 6}, {6, 7}})
}

// What was refused while the server refused everything gets another chance.
func TestPlanForgivesAfterAFaultOfTheServer(t *testing.T) {
	c := qt.New(t)
	p := newPlan(slices.Repeat([]int{1}, 64), 64)
	for !p.slow {
		_, ok := p.next()
		c.Assert(ok, qt.IsTrue)
		p.refuse()
	}
	c.Assert(p.suspects, qt.Not(qt.HasLen), 0)
	var sent []int
	for {
		s, ok := p.next()
		if !ok {
			break
		}
		for i := s.from; i < s.to; i++ {
			sent = append(sent, i)
		}
		p.accept()
	}
	refused, ok := p.end()
	c.Check(ok, qt.IsTrue)
	c.Check(refused, qt.HasLen, 0)
	slices.Sort(sent)
	c.Check(slices.Compact(sent), qt.HasLen, 64)
}
