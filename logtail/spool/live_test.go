package spool

import (
	"fmt"
	"runtime"
	"testing"

	qt "github.com/frankban/quicktest"
)

// peek calls Peek, counts the entries as delivered, and returns the token to acknowledge them.
func (b *books) peek(limit int) uint64 {
	entries, through, err := b.s.Peek(limit)
	qt.Assert(b.t, err, qt.IsNil)
	for _, e := range entries {
		b.note(e)
	}
	return through
}

// look calls Peek and ignores the entries.
func (b *books) look(limit int) {
	_, _, err := b.s.Peek(limit)
	qt.Assert(b.t, err, qt.IsNil)
}

// TestSpoolDamagedBytesWhileOpen changes the files of an open spool. It checks that no entry is
// invented, and that the lost entries belong to one segment and are counted.
func TestSpoolDamagedBytesWhileOpen(t *testing.T) {
	for _, test := range []struct {
		name   string
		before func(b *books) (token uint64)
		after  func(b *books) // called after the damage, before the Ack
		extra  bool           // entries found damaged stay counted even if they were delivered
	}{
		{"unread", func(*books) uint64 { return 0 }, func(b *books) {}, false},
		{"read", func(b *books) uint64 { return b.peek(600) }, func(b *books) {}, false},
		// Peek has forgotten the places, so Ack must follow the frames.
		{"read before", func(b *books) uint64 { token := b.peek(600); b.look(1); return token }, func(b *books) {}, false},
		{"read before and again", func(b *books) uint64 { return b.peek(5000) }, func(b *books) { b.look(4000) }, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			const n = 8
			opened := func() *books {
				b := newBooks(t, newMemDisk(), Options{MaxBytes: 32 << 10, Sync: Never})
				qt.Assert(t, b.open(), qt.IsNil)
				b.s.segBytes = 400
				for i := range n {
					qt.Assert(t, b.append(i), qt.IsNil)
				}
				return b
			}
			segs := opened().s.segs
			for i, g := range segs {
				for at := range g.size {
					for what, damage := range map[string]func(d *memDisk, f *memFile){
						"flip":     func(_ *memDisk, f *memFile) { f.data[at] ^= 0xff },
						"zeros":    func(_ *memDisk, f *memFile) { clear(f.data[at:]) },
						"truncate": func(_ *memDisk, f *memFile) { f.data = f.data[:at] },
						"remove":   func(d *memDisk, f *memFile) { delete(d.files, f.name) },
					} {
						what = fmt.Sprintf("%s segment %d at %d", what, i, at)
						b := opened()
						token := test.before(b)
						damage(b.disk, b.disk.files[segmentName(g.first)])
						test.after(b)
						qt.Assert(t, b.s.Ack(token), qt.IsNil, qt.Commentf(what))
						qt.Assert(t, b.append(n), qt.IsNil, qt.Commentf(what)) // to the last segment, or a new one
						b.drain()
						qt.Assert(t, b.close(), qt.IsNil, qt.Commentf(what))
						for _, e := range b.missing() {
							seq := uint64(e) + 1
							in := g.first <= seq && (seq < g.end() || i == len(segs)-1)
							qt.Assert(t, in, qt.IsTrue, qt.Commentf("%s: entry %d of another segment", what, e))
						}
						for e, times := range b.out {
							qt.Assert(t, times, qt.Equals, 1, qt.Commentf("%s: entry %d", what, e))
						}
						b.check(test.extra)
						// A second Open reports no further loss and finds no entry.
						qt.Assert(t, b.open(), qt.IsNil, qt.Commentf(what))
						s := b.s.Stats()
						qt.Assert(t, s.Entries+int(s.DroppedEntries), qt.Equals, 0, qt.Commentf(what))
						qt.Assert(t, b.s.Close(), qt.IsNil)
						qt.Assert(t, t.Failed(), qt.IsFalse, qt.Commentf(what))
					}
				}
			}
		})
	}
}

// TestPeekDamagedBytesWhileReading changes a byte after Peek has read the lengths, and before it reads
// the frames.
func TestPeekDamagedBytesWhileReading(t *testing.T) {
	size := 0
	for at := 0; at == 0 || at < size; at++ {
		b := newBooks(t, newMemDisk(), Options{Sync: Never})
		qt.Assert(t, b.open(), qt.IsNil)
		for n := range 2 {
			qt.Assert(t, b.append(n), qt.IsNil)
		}
		f := b.disk.files[segmentName(1)]
		size = len(f.data)
		reads := 0
		b.disk.setFault(func(op, _ string) error {
			if op == "read" {
				if reads++; reads == 3 { // after two lengths
					f.data[at] ^= 0xff
				}
			}
			return nil
		})
		b.drain()
		qt.Assert(t, reads >= 3, qt.IsTrue)
		qt.Assert(t, b.close(), qt.IsNil)
		b.check(false)
		qt.Assert(t, b.out[1], qt.Equals, 0, qt.Commentf("byte %d", at))
	}
}

// TestPeekDamagedLengthMemory checks that a damaged length of 4 GiB allocates little.
func TestPeekDamagedLengthMemory(t *testing.T) {
	b := newBooks(t, newMemDisk(), Options{Sync: Never})
	qt.Assert(t, b.open(), qt.IsNil)
	qt.Assert(t, b.append(0), qt.IsNil)
	copy(b.disk.files[segmentName(1)].data, "\xff\xff\xff\xff")
	allocated := func() uint64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.TotalAlloc
	}
	was := allocated()
	entries, _, err := b.s.Peek(1000)
	qt.Check(t, allocated()-was < 1<<20, qt.IsTrue)
	qt.Assert(t, err, qt.IsNil)
	qt.Check(t, entries, qt.HasLen, 0)
	qt.Assert(t, b.close(), qt.IsNil)
	b.check(false)
}
