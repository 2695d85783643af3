package tunstats

import "math/bits"

// entry is one flow in a table: a cache line on 64-bit machines.
type entry struct {
	key     key
	flow    uint32 // its number in the registry
	packets uint64 // zero: the slot is free
	bytes   uint64
}

// table counts packets by key: open addressing with linear probing, a power of
// two slots of which at most three in four are taken. It only grows; a window
// ends by throwing it away. The zero table is empty.
type table struct {
	slots []entry
	used  int
}

const minSlots = 16

// find returns the slot of k, whose hash is h, or nil where k has none.
func (t *table) find(k *key, h uint64) *entry {
	mask := uint64(len(t.slots) - 1)
	if int64(mask) < 0 {
		return nil
	}
	for i := h & mask; ; i = (i + 1) & mask {
		e := &t.slots[i]
		if e.key.equal(k) && e.packets != 0 {
			return e
		}
		if e.packets == 0 {
			return nil
		}
	}
}

// insert gives k, which must not be in the table, a slot. The caller counts a
// packet there at once, since a slot without one is free.
func (t *table) insert(k key, flow uint32, h uint64, s *seeds) *entry {
	if t.used >= len(t.slots)/4*3 {
		t.grow(s)
	}
	t.used++
	e := t.free(h)
	e.key, e.flow = k, flow
	return e
}

// free returns the first free slot for the hash h.
func (t *table) free(h uint64) *entry {
	mask := uint64(len(t.slots) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		if e := &t.slots[i]; e.packets == 0 {
			return e
		}
	}
}

func (t *table) grow(s *seeds) {
	old := t.slots
	t.slots = make([]entry, max(minSlots, 2*len(old)))
	for i := range old {
		if e := &old[i]; e.packets != 0 {
			*t.free(s.hash(&e.key)) = *e
		}
	}
}

// seeds make the hash of one Statistics unpredictable, so that nobody can craft
// flows that land in one slot.
type seeds [4]uint64

// hash mixes with the 64x64 to 128 bit multiplications of wyhash, nested as in
// the runtime's portable hash of maps, so that no two words of k can cancel out.
func (s *seeds) hash(k *key) uint64 {
	h := mix(k.srcLo^s[0], k.dstLo^s[1])
	if k.meta&version6 == version6 {
		h = mix(k.srcHi^h, k.dstHi^s[3])
	}
	return mix(k.meta^s[2], h)
}

func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}
