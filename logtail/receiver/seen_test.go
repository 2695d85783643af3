package receiver

import (
	"math"
	"testing"

	qt "github.com/frankban/quicktest"
)

// TestSeenRemembersConflict checks that two entries with the same number do not replace each other,
// whatever their hashes are.
func TestSeenRemembersConflict(t *testing.T) {
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

// TestSeenGrowKeepsConflict checks that grow keeps both entries with the same number.
func TestSeenGrowKeepsConflict(t *testing.T) {
	for hash := range uint64(4 * minSlots) {
		s := new(seen)
		s.grow(minSlots)
		entries := []slot{{5, 1 << 40}, {5, hash | 1<<50}, {6, 1 << 41}}
		for _, e := range entries {
			s.note(e.seq, e.hash)
		}
		if hash&(minSlots-1) == 6 || hash>>1&(minSlots-1) == 6 {
			continue // in the slot of the third entry
		}
		for range 2 {
			for _, e := range entries {
				v, _, _ := s.note(e.seq, e.hash)
				qt.Assert(t, v, qt.Equals, repeated, qt.Commentf("%x in %d slots", e, len(s.slots)))
			}
			s.grow(4 * len(s.slots))
		}
	}
}

// TestSeenGapBounded checks that gaps do not make their sum overflow.
func TestSeenGapBounded(t *testing.T) {
	var missing uint64
	for range 1000 {
		s := new(seen)
		s.grow(minSlots)
		s.note(1, 1)
		_, gap, _ := s.note(math.MaxUint64, 2)
		qt.Assert(t, missing+gap > missing, qt.IsTrue)
		missing += gap
	}
}
