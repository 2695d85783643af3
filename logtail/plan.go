package logtail

import (
	"math/bits"
	"slices"
)

// span is a run of entries in a batch: [from, to).
type span struct {
	from, to int
	known    bool // surely holds an entry at fault, so not worth asking as a whole
	twin     bool // the left half of a refused span: when it is accepted, the right half is known
}

func (s span) len() int { return s.to - s.from }

// plan is the way of one batch to the server: which entries to send next, and
// what came of the others. It knows no clock and no network.
//
// A batch goes as a whole. When the server refuses it, the plan halves it until
// the entries at fault stand alone: a binary search, at most 2 log2(n) requests
// for each. Such an entry is given up only once another one of the batch was
// accepted. Where none is, the fault lies not in the entries, and all stay.
type plan struct {
	n        int
	todo     []span // a stack: the next span is the last
	suspects []int  // refused when sent alone
	refused  []int  // given up already
	accepted bool   // something of the batch was
	refusals int    // requests refused before anything was accepted
	slow     bool   // so many refusals that the entries are hardly at fault
}

// newPlan returns the plan for entries of these sizes, in requests of at most
// limit bytes of entries, or of one entry.
func newPlan(sizes []int, limit int) plan {
	p := plan{n: len(sizes)}
	for from := 0; from < p.n; {
		to, size := from+1, sizes[from]
		for to < p.n && size+sizes[to] <= limit {
			size += sizes[to]
			to++
		}
		p.todo = append(p.todo, span{from: from, to: to})
		from = to
	}
	slices.Reverse(p.todo)
	return p
}

// untouched reports whether nothing of the batch was asked yet, so that another
// plan may as well take its place.
func (p *plan) untouched() bool {
	return !p.accepted && p.refusals == 0 && len(p.refused) == 0 && len(p.todo) == 1
}

// next returns the span to send, or false at the end of the plan.
func (p *plan) next() (span, bool) {
	for len(p.todo) > 0 {
		s := p.todo[len(p.todo)-1]
		if !s.known || s.len() == 1 {
			return s, true
		}
		p.halve(true)
	}
	return span{}, false
}

// accept notes that the server took the span of next.
func (p *plan) accept() {
	s := p.pop()
	if s.twin {
		p.todo[len(p.todo)-1].known = true
	}
	p.accepted = true
	if p.slow {
		// What was refused while everything was gets another chance.
		for _, i := range p.suspects {
			p.todo = append(p.todo, span{from: i, to: i + 1})
		}
		p.suspects, p.slow = nil, false
	}
}

// refuse notes that the server objected to something in the span of next.
func (p *plan) refuse() {
	if !p.accepted {
		p.refusals++
		p.slow = p.refusals > 2*bits.Len(uint(p.n))
	}
	p.divide(true)
}

// shrink notes that the span of next was too large for the server.
func (p *plan) shrink() {
	if !p.accepted {
		p.refusals++
	}
	p.divide(false)
}

// giveUp takes the only entry in the span of next out of the batch.
func (p *plan) giveUp() {
	p.refused = append(p.refused, p.pop().from)
}

// end says what came of the batch when next has no more: the entries to give up,
// or false where nothing can be said against any of them and all must stay.
func (p *plan) end() (refused []int, ok bool) {
	if len(p.suspects) > 0 && !p.accepted {
		return nil, false
	}
	return append(p.refused, p.suspects...), true
}

func (p *plan) pop() span {
	s := p.todo[len(p.todo)-1]
	p.todo = p.todo[:len(p.todo)-1]
	return s
}

func (p *plan) divide(twins bool) {
	if p.todo[len(p.todo)-1].len() > 1 {
		p.halve(twins)
		return
	}
	p.suspects = append(p.suspects, p.pop().from)
}

func (p *plan) halve(twins bool) {
	s := p.pop()
	mid := s.from + s.len()/2
	p.todo = append(p.todo, span{from: mid, to: s.to}, span{from: s.from, to: mid, twin: twins})
}
