package records_test

import (
	"math/rand/v2"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/records"
)

// plainSeqs is a set with the same bound: too slow, and plainly right.
type plainSeqs map[uint64]bool

// gaps are the runs of numbers that are missing between the smallest and the largest.
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

// TestSeqsOfManyChunksAgreeWithASet has thousands of gaps that open, shrink and close,
// in four orders.
func TestSeqsOfManyChunksAgreeWithASet(t *testing.T) {
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

// TestSeqsTakeAnyOrderInTime: a node may write numbers from the last to the first, with
// gaps, and each moved all that were there. It took minutes, and takes milliseconds.
func TestSeqsTakeAnyOrderInTime(t *testing.T) {
	const numbers = 400_000
	start := time.Now()
	var s records.Seqs
	for i := range uint64(numbers) {
		s.Add(2 * (numbers - i))
	}
	qt.Check(t, s.First(), qt.Equals, uint64(2))
	qt.Check(t, s.Gaps(), qt.HasLen, 1<<16-1)
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("%v", took)
	}
}
