package logtail

import (
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"

	qt "github.com/frankban/quicktest"
)

// runPlan sends a batch of n entries to a server that refuses the bad ones. It returns the entries
// that arrived, those that were given up, and the number of requests.
func runPlan(n int, bad map[int]bool) (sent, refused []int, requests int, ok bool) {
	p := newPlan(slices.Repeat([]int{1}, n))
	for !p.done() {
		s := p.next(n)
		requests++
		if slices.ContainsFunc(count(s.from, s.to), func(i int) bool { return bad[i] }) {
			p.refuse()
			continue
		}
		sent = append(sent, count(s.from, s.to)...)
		p.accept()
	}
	refused, ok = p.end(nil)
	return sent, refused, requests, ok
}

// count returns the numbers from from to to-1.
func count(from, to int) (ns []int) {
	for i := from; i < to; i++ {
		ns = append(ns, i)
	}
	return ns
}

// TestPlanFindsRefusedEntries checks that bad entries are given up, that the others arrive once and
// in order, and that each bad entry takes at most 2 log2(n) requests.
func TestPlanFindsRefusedEntries(t *testing.T) {
	c := qt.New(t)
	rng := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		n := 1 + rng.IntN(100)
		bad := map[int]bool{}
		for range rng.IntN(4) {
			bad[rng.IntN(n)] = true
		}
		sent, refused, requests, ok := runPlan(n, bad)
		if len(bad) == n {
			c.Assert(ok, qt.IsFalse)
			c.Assert(sent, qt.HasLen, 0)
			continue
		}
		c.Assert(ok, qt.IsTrue)
		c.Assert(slices.IsSorted(sent), qt.IsTrue)
		c.Assert(len(sent)+len(refused), qt.Equals, n)
		c.Assert(len(refused), qt.Equals, len(bad))
		for _, i := range refused {
			c.Assert(bad[i], qt.IsTrue)
		}
		log2 := bits.Len(uint(n - 1)) // rounded up
		c.Assert(requests <= 1+2*log2*len(bad), qt.IsTrue, qt.Commentf("%d requests for %v of %d", requests, bad, n))
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

// TestPlanRetriesRefusedAfterServerFault has a server that refuses every body for a while. Entries
// refused in that time must be sent again.
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
		sent = append(sent, count(s.from, s.to)...)
		p.accept()
	}
	refused, ok := p.end(nil)
	c.Check(ok, qt.IsTrue)
	c.Check(refused, qt.HasLen, 0)
	slices.Sort(sent)
	c.Check(slices.Compact(sent), qt.HasLen, 64)
}

// sendPlan sends the batch of p, as an uploader does, to a server that accepts bodies of at most
// limit bytes. It returns the sizes of the refused bodies.
func sendPlan(p *plan, size *bodySize, limit int) (refused []int) {
	for !p.done() && !p.slow {
		s := p.next(size.limit - 1)
		body := 1
		for _, n := range p.sizes[s.from:s.to] {
			body += n
		}
		if body > limit {
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

// TestPlanAppliesSmallerLimitAtOnce checks that after a body was too large, the rest of the batch
// is sent in smaller bodies too.
func TestPlanAppliesSmallerLimitAtOnce(t *testing.T) {
	c := qt.New(t)
	size := bodySize{limit: 1 << 10 << 10}
	p := newPlan(slices.Repeat([]int{1 << 10}, 64))
	refused := sendPlan(&p, &size, 10<<10) // a sixth of the batch
	c.Check(refused, qt.HasLen, 3, qt.Commentf("%d", refused))
	given, ok := p.end(size.mayBeTooLarge)
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

// TestPlanGivesUpTooLarge has an entry that was too large when sent alone. It must be given up only
// if the server has accepted a smaller body. An entry refused for another reason must be given up
// only if the server has accepted another entry of the batch.
func TestPlanGivesUpTooLarge(t *testing.T) {
	c := qt.New(t)
	size := bodySize{limit: maxBody}
	p := newPlan([]int{100, 5000})
	shrink := func() { s := p.next(1); p.shrink(p.sizes[s.from] + 1) }
	shrink()
	p.next(1)
	p.accept()
	size.accepted(5001)
	_, ok := p.end(size.mayBeTooLarge)
	c.Check(ok, qt.IsFalse, qt.Commentf("only a larger body was accepted"))
	size.accepted(99)
	given, ok := p.end(size.mayBeTooLarge)
	c.Check(ok, qt.IsTrue)
	c.Check(given, qt.DeepEquals, []int{0})

	p = newPlan([]int{100, 5000})
	p.next(1)
	p.refuse()
	shrink()
	_, ok = p.end(size.mayBeTooLarge)
	c.Check(ok, qt.IsFalse, qt.Commentf("nothing of the batch was accepted, so the other entry stays"))
}

func TestBodySizeIsHalvedAndTriedAgain(t *testing.T) {
	c := qt.New(t)
	b := bodySize{limit: maxBody}
	b.tooLarge(200_000)
	c.Check(b.limit, qt.Equals, 100_000)
	b.tooLarge(300_000) // an entry alone: the limit is smaller already
	c.Check(b.limit, qt.Equals, 100_000)
	for range growAfter - 1 {
		b.accepted(90_000)
	}
	c.Check(b.limit, qt.Equals, 100_000)
	b.accepted(90_000)
	c.Check(b.limit, qt.Equals, 200_000)
	for range growAfter - 1 {
		b.accepted(10)
	}
	b.tooLarge(150_000)
	b.accepted(10)
	c.Check(b.limit, qt.Equals, 75_000, qt.Commentf("successes count from the last refusal"))
	for range 10 * growAfter {
		b.accepted(10)
	}
	c.Check(b.limit, qt.Equals, maxBody)
	for range 64 {
		b.tooLarge(b.limit)
	}
	c.Check(b.limit, qt.Equals, minLimit)
}

func TestBodySizeTooLargeOnlyIfSmallerAccepted(t *testing.T) {
	c := qt.New(t)
	b := bodySize{limit: maxBody}
	c.Check(b.mayBeTooLarge(1<<30), qt.IsFalse)
	b.accepted(1000)
	b.accepted(5000)
	c.Check(b.mayBeTooLarge(999), qt.IsFalse)
	c.Check(b.mayBeTooLarge(1000), qt.IsFalse)
	c.Check(b.mayBeTooLarge(1001), qt.IsTrue)
}
