package records_test

import (
	"math/rand/v2"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/records"
)

func TestSeqs(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		var s records.Seqs
		set := make(map[uint64]bool)
		for range 300 {
			n := rng.Uint64N(200)
			qt.Assert(t, s.Add(n), qt.Equals, !set[n])
			set[n] = true
		}
		var missing, lo, hi uint64 = 0, 1 << 62, 0
		for n := range set {
			lo, hi = min(lo, n), max(hi, n)
		}
		for n := lo; n <= hi; n++ {
			if !set[n] {
				missing++
			}
		}
		for _, g := range s.Gaps() {
			missing -= g.Last - g.First + 1
		}
		qt.Assert(t, missing, qt.Equals, uint64(0))
		qt.Assert(t, s.First(), qt.Equals, lo)
	}
	var ends records.Seqs
	for _, n := range []uint64{0, 1<<64 - 1, 1<<64 - 2, 1} {
		qt.Check(t, ends.Add(n), qt.IsTrue)
		qt.Check(t, ends.Add(n), qt.IsFalse)
	}
}

// TestSeqsMaxRuns checks that the oldest gaps are forgotten first, and no number that was added.
func TestSeqsMaxRuns(t *testing.T) {
	const gaps, kept = 1<<16 + 9, 1<<16 - 1
	var s records.Seqs
	for i := range uint64(gaps + 1) {
		s.Add(2*i + 1)
	}
	qt.Check(t, s.First(), qt.Equals, uint64(1))
	qt.Assert(t, s.Gaps(), qt.HasLen, kept)
	qt.Check(t, s.Gaps()[kept-1], qt.Equals, records.Run{First: 2 * gaps, Last: 2 * gaps})
	for i := range uint64(gaps + 1) {
		qt.Assert(t, s.Add(2*i+1), qt.IsFalse)
	}
}

// plainSeqs is a simple set that TestSeqsManyChunks compares a Seqs with.
type plainSeqs map[uint64]bool

// gaps returns the runs of missing numbers between the smallest and the largest number.
func (s plainSeqs) gaps(first, last uint64) (gaps []records.Run) {
	for n := first; n <= last; n++ {
		switch {
		case s[n]:
		case len(gaps) > 0 && gaps[len(gaps)-1].Last == n-1:
			gaps[len(gaps)-1].Last = n
		default:
			gaps = append(gaps, records.Run{First: n, Last: n})
		}
	}
	return gaps
}

// TestSeqsManyChunks adds numbers in four orders, so that thousands of gaps open, shrink and close.
func TestSeqsManyChunks(t *testing.T) {
	const last = 20_000
	rng := rand.New(rand.NewPCG(3, 4))
	for name, order := range map[string]func(i int) uint64{
		"up by two, then down": func(i int) uint64 { return uint64(map[bool]int{true: 2*i + 1, false: 2 * (last - i)}[i < last/2]) },
		"down by two, then up": func(i int) uint64 { return uint64(map[bool]int{true: last - 2*i, false: 2*i - last + 1}[i < last/2]) },
		"at random":            func(int) uint64 { return rng.Uint64N(last + 1) },
		"from the middle out":  func(i int) uint64 { return uint64(last/2+3*(i/2)*(i%2*2-1))%last + 1 },
	} {
		t.Run(name, func(t *testing.T) {
			var s records.Seqs
			set := make(plainSeqs)
			first, top := uint64(last), uint64(0)
			for i := range last {
				n := order(i)
				if got := s.Add(n); got == set[n] {
					t.Fatalf("step %d, %d: new %v", i, n, got)
				}
				set[n] = true
				first, top = min(first, n), max(top, n)
				if i%4000 == 3999 || i < 20 {
					qt.Assert(t, s.First(), qt.Equals, first)
					qt.Assert(t, s.Gaps(), qt.DeepEquals, set.gaps(first, top))
				}
			}
		})
	}
}

// TestSeqsDescending adds numbers with gaps from the last to the first. If each of them moved all runs,
// this would take minutes.
func TestSeqsDescending(t *testing.T) {
	const numbers = 400_000
	var s records.Seqs
	for i := range uint64(numbers) {
		s.Add(2 * (numbers - i))
	}
	qt.Check(t, s.First(), qt.Equals, uint64(2))
	qt.Check(t, s.Gaps(), qt.HasLen, 1<<16-1)
}
