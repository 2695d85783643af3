package receiver

import (
	"testing"

	qt "github.com/frankban/quicktest"
)

// Whatever the hashes, two entries of one number do not push each other out.
func TestTwoEntriesOfOneNumberAreBothRemembered(t *testing.T) {
	for hash := range uint64(2 * minSlots) {
		s := new(seen)
		s.grow(minSlots)
		const seq, first = 5, 1 << 40
		second := hash | 1<<50
		v, _, _ := s.note(seq, first)
		qt.Assert(t, v, qt.Equals, fresh)
		v, _, _ = s.note(seq, second)
		qt.Assert(t, v, qt.Equals, conflict)
		for _, h := range []uint64{first, second, first} {
			v, _, _ = s.note(seq, h)
			qt.Assert(t, v, qt.Equals, repeated, qt.Commentf("hash %x", second))
		}
	}
}
