package receiver

// seen remembers the latest entries of one stream, which is what one process of
// a node sends to one collection, to tell a repeated entry from a new one and to
// see gaps.
//
// Sequence numbers rise by one, so the slot of a number is its remainder: a stream
// of n slots remembers its latest n entries, at 16 bytes each, and any others as well
// as they happen to fit.
type seen struct {
	slots []slot // a power of two of them
	last  uint64 // the highest number so far
	any   bool   // there was one
}

// A slot holds the number and the hash of one entry; a zero hash means none.
type slot struct{ seq, hash uint64 }

// minSlots is how many entries of a stream are remembered at least: more than a
// node sends between two acknowledgements, or repeats after it was killed.
const minSlots = 256

// maxGap bounds what one jump of the numbers counts as missing: no node has sent as
// much, and one that makes its numbers up must not turn the counter over.
const maxGap = 1 << 32

// aside returns the place of the second of two entries with one number: where its hash
// says, but not in the place of the first, at the price of what was there. It can be
// repeated, too.
func (it slot) aside(mask uint64) uint64 {
	at := it.hash >> 1 & mask // the last bit is always set
	if at == it.seq&mask {
		at ^= 1
	}
	return at
}

// A verdict says what an entry is, beside those before it in its stream.
type verdict uint8

const (
	fresh    verdict = iota
	repeated         // the same entry came before
	conflict         // another entry with this number came before
)

// An undo restores one stream as it was before one note.
type undo struct {
	stream *seen
	at     uint64
	was    slot
	last   uint64
	any    bool
}

// note marks the entry of this number and hash as seen. It returns what the entry is,
// how many numbers before it never came, and how to take the note back.
func (s *seen) note(seq, hash uint64) (v verdict, gap uint64, u undo) {
	mask := uint64(len(s.slots) - 1)
	it := slot{seq, hash | 1} // a zero hash is an empty slot
	at := seq & mask
	switch old := s.slots[at]; {
	case old == it:
		v = repeated
	case old.hash != 0 && old.seq == seq:
		if at = it.aside(mask); s.slots[at] == it {
			v = repeated
		} else {
			v = conflict
		}
	}
	u = undo{s, at, s.slots[at], s.last, s.any}
	s.slots[at] = it
	if s.any && seq > s.last {
		gap = min(seq-s.last-1, maxGap)
	}
	if !s.any || seq > s.last {
		s.last, s.any = seq, true
	}
	return v, gap, u
}

// back takes a note back, unless its stream was forgotten. Notes are taken back in the
// reverse order.
func (u undo) back() {
	if u.stream.slots == nil {
		return
	}
	u.stream.slots[u.at] = u.was
	u.stream.last, u.stream.any = u.last, u.any
}

// grow makes room for n entries, and returns how many slots were added.
func (s *seen) grow(n int) int {
	was := len(s.slots)
	size := max(was, minSlots)
	for size < n {
		size *= 2
	}
	if size == was {
		return 0
	}
	slots, mask := make([]slot, size), uint64(size-1)
	for at, it := range s.slots {
		if it.seq&uint64(was-1) == uint64(at) {
			slots[it.seq&mask] = it
		}
	}
	for at, it := range s.slots { // those that are aside take what is left
		if it.seq&uint64(was-1) == uint64(at) {
			continue
		}
		to := it.seq & mask
		if slots[to].hash != 0 {
			to = it.aside(mask)
		}
		if slots[to].hash == 0 {
			slots[to] = it
		}
	}
	s.slots = slots
	return size - was
}
