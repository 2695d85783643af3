package records

import "slices"

// maxRuns bounds the memory of a Seqs: gaps beyond that are forgotten, the
// oldest first, as if what is missing there had come.
const maxRuns = 1 << 16

// Seqs is a set of sequence numbers, small where they have few gaps. The zero
// Seqs is empty.
type Seqs struct {
	runs []Run // in order, with at least one number missing between two
}

// Run are the numbers from First to Last.
type Run struct{ First, Last uint64 }

// Add adds n and reports whether it is new.
func (s *Seqs) Add(n uint64) bool {
	i := len(s.runs)
	if i > 0 && n <= s.runs[i-1].Last { // most come in order
		i, _ = slices.BinarySearchFunc(s.runs, n, func(r Run, n uint64) int {
			if r.Last < n {
				return -1
			}
			return 1
		})
	}
	// s.runs[i] is the first that ends at n or behind it.
	if i < len(s.runs) && s.runs[i].First <= n {
		return false
	}
	before := i > 0 && s.runs[i-1].Last+1 == n
	after := i < len(s.runs) && s.runs[i].First == n+1
	switch {
	case before && after:
		s.runs[i-1].Last = s.runs[i].Last
		s.runs = slices.Delete(s.runs, i, i+1)
	case before:
		s.runs[i-1].Last = n
	case after:
		s.runs[i].First = n
	default:
		s.runs = slices.Insert(s.runs, i, Run{n, n})
	}
	if len(s.runs) > maxRuns {
		s.runs[1].First = s.runs[0].First
		s.runs = slices.Delete(s.runs, 0, 1)
	}
	return true
}

// First returns the smallest number.
func (s *Seqs) First() uint64 {
	if len(s.runs) == 0 {
		return 0
	}
	return s.runs[0].First
}

// Gaps returns what is missing between the smallest and the largest number.
func (s *Seqs) Gaps() []Run {
	var gaps []Run
	for i := 1; i < len(s.runs); i++ {
		gaps = append(gaps, Run{s.runs[i-1].Last + 1, s.runs[i].First - 1})
	}
	return gaps
}
