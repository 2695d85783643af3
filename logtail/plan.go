package logtail

import (
	"math/bits"
	"slices"
)

// span is a run of entries in a batch: [from, to).
type span struct {
	from, to int
	faulty   bool // contains an entry at fault, so it is not sent as a whole
	leftHalf bool // the left half of a refused span: if it is accepted, the right half is faulty
}

func (s span) len() int { return s.to - s.from }

// plan decides which entries of a batch to send next and which to give up. It uses no clock and
// no network.
//
// A batch is first sent as a whole. If the server refuses it, the plan halves it until the
// entries at fault are alone: a binary search of at most 2 log2(n) requests for each. Such an
// entry is given up only if the server accepted another entry of the batch. Otherwise the
// fault is not in the entries, and all of them stay. An entry that was too large when sent
// alone is given up only if its size explains that.
type plan struct {
	sizes    []int  // bytes of the entries
	todo     []span // a stack: the next span is the last
	suspects []int  // refused when sent alone
	large    []oversize
	accepted bool // the server accepted a part of the batch
	refusals int  // refused requests before that
	slow     bool // too many refusals: the server is at fault, and not the entries
}

// oversize is an entry that was too large when sent alone, in a body of size bytes.
type oversize struct{ entry, size int }

// newPlan returns the plan for entries of these sizes.
func newPlan(sizes []int) plan {
	return plan{sizes: sizes, todo: []span{{to: len(sizes)}}}
}

// untouched reports whether no part of the batch has been answered, so that another plan
// may replace it.
func (p *plan) untouched() bool { return !p.accepted && p.refusals == 0 }

// done reports whether all parts of the batch have been answered.
func (p *plan) done() bool { return len(p.todo) == 0 }

// next returns the next span to send: at most limit bytes of entries, or one entry. The plan
// must not be done. Entries that do not fit are left for a later call, with its limit.
func (p *plan) next(limit int) span {
	for {
		s := p.todo[len(p.todo)-1]
		to := p.fit(s, limit)
		switch {
		case s.len() == 1:
			return s
		case s.faulty:
			p.halve(true)
		case to < s.to:
			p.cut(to, false)
		default:
			return s
		}
	}
}

// fit returns the end of the entries of s that fit into limit bytes, but at least one.
func (p *plan) fit(s span, limit int) int {
	to, size := s.from+1, p.sizes[s.from]
	for to < s.to && size+p.sizes[to] <= limit {
		size += p.sizes[to]
		to++
	}
	return to
}

// accept records that the server accepted the last span.
func (p *plan) accept() {
	s := p.pop()
	if s.leftHalf {
		p.todo[len(p.todo)-1].faulty = true
	}
	p.accepted = true
	if p.slow {
		// The entries before s were refused when the server refused everything. Send them
		// again.
		if s.from > 0 {
			p.todo = append(p.todo, span{to: s.from})
		}
		p.suspects, p.large, p.slow = nil, nil, false
	}
}

// refuse records that the server refused the last span.
func (p *plan) refuse() {
	p.countRefusal()
	if p.todo[len(p.todo)-1].len() > 1 {
		p.halve(true)
		return
	}
	p.suspects = append(p.suspects, p.pop().from)
}

// shrink records that the last span, in a body of size bytes, was too large for the server.
func (p *plan) shrink(size int) {
	p.countRefusal()
	if p.todo[len(p.todo)-1].len() > 1 {
		p.halve(false)
		return
	}
	p.large = append(p.large, oversize{entry: p.pop().from, size: size})
}

func (p *plan) countRefusal() {
	if !p.accepted {
		p.refusals++
		p.slow = p.refusals > 2*bits.Len(uint(len(p.sizes)))
	}
}

// end returns the entries to give up when the plan is done. It returns false if the refusals do
// not prove that these entries are at fault, so that all must stay. mayBeTooLarge is that of
// bodySize.
func (p *plan) end(mayBeTooLarge func(size int) bool) (refused []int, ok bool) {
	if len(p.suspects) > 0 && !p.accepted {
		return nil, false
	}
	refused = slices.Clone(p.suspects)
	for _, o := range p.large {
		if !mayBeTooLarge(o.size) {
			return nil, false
		}
		refused = append(refused, o.entry)
	}
	return refused, true
}

func (p *plan) pop() span {
	s := p.todo[len(p.todo)-1]
	p.todo = p.todo[:len(p.todo)-1]
	return s
}

// halve divides the next span. faulty says that it contains an entry at fault.
func (p *plan) halve(faulty bool) {
	s := p.todo[len(p.todo)-1]
	p.cut(s.from+s.len()/2, faulty)
}

// cut divides the next span before entry at.
func (p *plan) cut(at int, faulty bool) {
	s := p.pop()
	p.todo = append(p.todo, span{from: at, to: s.to}, span{from: s.from, to: at, leftHalf: faulty})
}

const (
	growAfter = 16  // successes after which a size that the server refused is tried again
	minLimit  = 512 // bytes
)

// bodySize learns from the answers of the server how large a body may be. All sizes are bytes
// before compression.
type bodySize struct {
	limit     int // bound of a body with more than one entry
	successes int // since limit changed
	smallest  int // the smallest accepted body, or 0
}

// accepted records that the server accepted a body of size bytes.
func (b *bodySize) accepted(size int) {
	if b.smallest == 0 || size < b.smallest {
		b.smallest = size
	}
	if b.successes++; b.successes >= growAfter && b.limit < maxBody {
		b.limit, b.successes = min(2*b.limit, maxBody), 0
	}
}

// tooLarge records that a body of size bytes was too large for the server.
func (b *bodySize) tooLarge(size int) {
	b.limit, b.successes = max(minLimit, min(b.limit, size/2)), 0
}

// mayBeTooLarge reports whether a body of size bytes can be too large for the server: only if the
// server has accepted a smaller one.
func (b *bodySize) mayBeTooLarge(size int) bool { return b.smallest > 0 && b.smallest < size }
