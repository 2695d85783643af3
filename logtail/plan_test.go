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
	p := newPlan(slices.Repeat([]int{1}, n))
	for !p.done() {
		s := p.next(limit)
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
	refused, ok = p.end(nil)
	return sent, refused, requests, ok
}

// Whatever is poison in a batch: it is given up, all else arrives once and in
// order, and each poison costs 2 log2(n) requests at most.
func TestPlanFindsExactPoison(t *testing.T) {
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
	p := newPlan([]int{5, 5, 20, 3, 3, 3, 3})
	var got [][2]int
	for !p.done() {
		s := p.next(10)
		got = append(got, [2]int{s.from, s.to})
		p.accept()
	}
	c.Check(got, qt.DeepEquals, [][2]int{{0, 2}, {2, 3}, {3, 6}, {6, 7}})
}

// What was refused while the server refused everything gets another chance.
func TestPlanRetriesRefusedAfterServerFault(t *testing.T) {
	c := qt.New(t)
	p := newPlan(slices.Repeat([]int{1}, 64))
	for !p.slow {
		p.next(64)
		p.refuse()
	}
	c.Assert(p.suspects, qt.Not(qt.HasLen), 0)
	var sent []int
	for !p.done() {
		s := p.next(64)
		for i := s.from; i < s.to; i++ {
			sent = append(sent, i)
		}
		p.accept()
	}
	refused, ok := p.end(nil)
	c.Check(ok, qt.IsTrue)
	c.Check(refused, qt.HasLen, 0)
	slices.Sort(sent)
	c.Check(slices.Compact(sent), qt.HasLen, 64)
}

// sendPlan sends the batch of p to a server that takes bodies of at most most
// bytes, as an uploader does, and returns the sizes that it refused.
func sendPlan(p *plan, size *bodySize, most int) (refused []int) {
	for !p.done() && !p.slow {
		s := p.next(size.limit - 1)
		body := 1
		for _, n := range p.sizes[s.from:s.to] {
			body += n
		}
		if body > most {
			refused = append(refused, body)
			size.tooLarge(body)
			p.shrink(body)
			continue
		}
		size.accepted(body)
		p.accept()
	}
	return refused
}

// After one body was too large, the rest of the batch goes in smaller ones too.
func TestPlanAppliesSmallerLimitAtOnce(t *testing.T) {
	c := qt.New(t)
	size := bodySize{limit: 1 << 10 << 10}
	p := newPlan(slices.Repeat([]int{1 << 10}, 64))
	refused := sendPlan(&p, &size, 10<<10) // a sixth of the batch
	c.Check(refused, qt.HasLen, 3, qt.Commentf("%d", refused))
	given, ok := p.end(size.blames)
	c.Check(ok, qt.IsTrue)
	c.Check(given, qt.HasLen, 0)
}

func TestPlanSlowIfEverythingTooLarge(t *testing.T) {
	c := qt.New(t)
	size := bodySize{limit: maxBody}
	p := newPlan(slices.Repeat([]int{100}, 2400))
	refused := sendPlan(&p, &size, 0)
	c.Check(p.slow, qt.IsTrue)
	c.Check(len(refused) <= 1+2*12, qt.IsTrue, qt.Commentf("%d refused", len(refused)))
}

// An entry that was too large when sent alone goes where a smaller body was taken,
// whatever else was. One that something else is wrong with goes by its own rule.
func TestPlanGivesUpTooLarge(t *testing.T) {
	c := qt.New(t)
	size := bodySize{limit: maxBody}
	p := newPlan([]int{100, 5000})
	shrink := func() { s := p.next(1); p.shrink(p.sizes[s.from] + 1) }
	shrink()
	p.next(1)
	p.accept()
	size.accepted(5001)
	_, ok := p.end(size.blames)
	c.Check(ok, qt.IsFalse, qt.Commentf("only a larger body was taken"))
	size.accepted(99)
	given, ok := p.end(size.blames)
	c.Check(ok, qt.IsTrue)
	c.Check(given, qt.DeepEquals, []int{0})

	p = newPlan([]int{100, 5000})
	p.next(1)
	p.refuse()
	shrink()
	_, ok = p.end(size.blames)
	c.Check(ok, qt.IsFalse, qt.Commentf("nothing of the batch was accepted, so the other entry stays"))
}
