package receiver

// seen remembers the latest entries of one stream, to detect repeated entries and gaps.
//
// Sequence numbers rise by one, and a number modulo the number of slots is the index of its slot.
// So n slots hold the latest n entries, at 16 bytes each.
type seen struct {
	slots []slot // the length is a power of two
	last  uint64 // the highest number so far
	any   bool   // last is set
}

// slot holds the number and the hash of one entry. The hash of an empty slot is zero.
type slot struct{ seq, hash uint64 }

// minSlots is the smallest number of slots of a stream. It exceeds the number of entries that a node
// sends between two acknowledgements, or repeats after it was killed.
const minSlots = 256

// maxGap is the most that one gap counts as missing, so that a node that invents its numbers cannot
// make the counter overflow.
const maxGap = 1 << 32

// second returns the index for s if the slot of its number holds another entry with this number. The
// index depends on the hash, and is never that of the other entry.
func (s slot) second(mask uint64) uint64 {
	at := s.hash >> 1 & mask // the last bit is always set
	if at == s.seq&mask {
		at ^= 1
	}
	return at
}

// verdict is the relation of an entry to the earlier ones of its stream.
type verdict uint8

const (
	fresh    verdict = iota
	repeated         // the same entry came before
	conflict         // another entry with this number came before
)

// undo restores a stream to its state before a note.
type undo struct {
	stream *seen
	at     uint64
	was    slot
	last   uint64
	any    bool
}

// note remembers the entry with this number and hash. It returns the verdict, how many numbers
// before it are missing, and how to undo the note.
func (s *seen) note(seq, hash uint64) (v verdict, gap uint64, u undo) {
	mask := uint64(len(s.slots) - 1)
	entry := slot{seq, hash | 1} // zero marks an empty slot
	at := seq & mask
	switch old := s.slots[at]; {
	case old == entry:
		v = repeated
	case old.hash != 0 && old.seq == seq:
		if at = entry.second(mask); s.slots[at] == entry {
			v = repeated
		} else {
			v = conflict
		}
	}
	u = undo{s, at, s.slots[at], s.last, s.any}
	s.slots[at] = entry
	if s.any && seq > s.last {
		gap = min(seq-s.last-1, maxGap)
	}
	if !s.any || seq > s.last {
		s.last, s.any = seq, true
	}
	return v, gap, u
}

// revert undoes a note, unless its stream was forgotten. Notes must be reverted in reverse order.
func (u undo) revert() {
	if u.stream.slots == nil {
		return
	}
	u.stream.slots[u.at] = u.was
	u.stream.last, u.stream.any = u.last, u.any
}

// grow makes room for n entries and returns the number of added slots.
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
	for at, old := range s.slots {
		if old.seq&uint64(was-1) == uint64(at) {
			slots[old.seq&mask] = old
		}
	}
	for at, old := range s.slots { // then those that were at their second index
		if old.seq&uint64(was-1) == uint64(at) {
			continue
		}
		to := old.seq & mask
		if slots[to].hash != 0 {
			to = old.second(mask)
		}
		if slots[to].hash == 0 {
			slots[to] = old
		}
	}
	s.slots = slots
	return size - was
}
