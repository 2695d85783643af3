package records

import (
	"cmp"
	"slices"
)

const (
	// maxRuns bounds the memory of a Seqs. Beyond it, the gaps of the smallest numbers are
	// forgotten, as if these numbers had been added.
	maxRuns = 1 << 16

	// maxChunk bounds the cost of adding a number in the middle.
	maxChunk = 1 << 9 // runs
)

// Seqs is a set of sequence numbers. It is small if they have few gaps. The zero Seqs is empty.
type Seqs struct {
	chunks [][]Run // in order, none empty, with at least one number missing between two runs
	n      int     // runs in all of them
}

// Run is the range of numbers from First to Last, both inclusive.
type Run struct{ First, Last uint64 }

// Add adds n and reports whether it is new.
func (s *Seqs) Add(n uint64) bool {
	if s.n == 0 {
		s.chunks, s.n = [][]Run{{{n, n}}}, 1
		return true
	}
	c, i := s.find(n)
	runs := s.chunks[c]
	if i > 0 && n <= runs[i-1].Last {
		return false
	}
	before := i > 0 && runs[i-1].Last+1 == n
	next := s.run(c, i)
	after := next != nil && next.First == n+1
	switch {
	case before && after:
		runs[i-1].Last = next.Last
		s.remove(c, i)
	case before:
		runs[i-1].Last = n
	case after:
		next.First = n
	default:
		s.insert(c, i, Run{n, n})
	}
	if s.n > maxRuns {
		first := s.chunks[0][0].First
		s.remove(0, 0)
		s.chunks[0][0].First = first
	}
	return true
}

// find returns the chunk for n, and how many of its runs begin at or before n. The latter is 0 only in
// the first chunk.
func (s *Seqs) find(n uint64) (c, i int) {
	if c = len(s.chunks) - 1; s.chunks[c][0].First > n { // most numbers are added in order
		c, _ = slices.BinarySearchFunc(s.chunks, n, func(runs []Run, n uint64) int { return upTo(runs[0], n) })
		c = max(0, c-1)
	}
	i, _ = slices.BinarySearchFunc(s.chunks[c], n, upTo)
	return c, i
}

// upTo orders a run that begins at n before n.
func upTo(r Run, n uint64) int { return cmp.Or(cmp.Compare(r.First, n), -1) }

// run returns the run at i of chunk c, which may be the first of the next chunk.
func (s *Seqs) run(c, i int) *Run {
	if i == len(s.chunks[c]) {
		c, i = c+1, 0
	}
	if c == len(s.chunks) {
		return nil
	}
	return &s.chunks[c][i]
}

func (s *Seqs) insert(c, i int, r Run) {
	runs := slices.Insert(s.chunks[c], i, r)
	s.chunks[c] = runs
	if half := len(runs) / 2; len(runs) > maxChunk {
		s.chunks[c] = runs[:half:half]
		s.chunks = slices.Insert(s.chunks, c+1, slices.Clone(runs[half:]))
	}
	s.n++
}

// remove removes the run that s.run returns.
func (s *Seqs) remove(c, i int) {
	if i == len(s.chunks[c]) {
		c, i = c+1, 0
	}
	if s.chunks[c] = slices.Delete(s.chunks[c], i, i+1); len(s.chunks[c]) == 0 {
		s.chunks = slices.Delete(s.chunks, c, c+1)
	}
	s.n--
}

// Runs returns the number of runs, which take 16 bytes each.
func (s *Seqs) Runs() int { return s.n }

// First returns the smallest number, or 0 if there is none.
func (s *Seqs) First() uint64 {
	if s.n == 0 {
		return 0
	}
	return s.chunks[0][0].First
}

// Gaps returns the missing numbers between the smallest and the largest one.
func (s *Seqs) Gaps() []Run {
	var gaps []Run
	var last *Run
	for _, runs := range s.chunks {
		for i := range runs {
			if last != nil {
				gaps = append(gaps, Run{last.Last + 1, runs[i].First - 1})
			}
			last = &runs[i]
		}
	}
	return gaps
}
