package spool

import (
	"fmt"
	"runtime"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/racetest"
)

// peek calls Peek, counts the entries as delivered, and returns the token to acknowledge them.
func (tr *tracker) peek(limit int) uint64 {
	entries, through, err := tr.s.Peek(limit)
	qt.Assert(tr.t, err, qt.IsNil)
	for _, e := range entries {
		tr.note(e)
	}
	return through
}

// look calls Peek and ignores the entries.
func (tr *tracker) look(limit int) {
	_, _, err := tr.s.Peek(limit)
	qt.Assert(tr.t, err, qt.IsNil)
}

// TestSpoolDamagedBytesWhileOpen changes the files of an open spool. It checks that no entry is
// invented, and that the lost entries belong to one segment and are counted.
func TestSpoolDamagedBytesWhileOpen(t *testing.T) {
	racetest.Skip(t) // one goroutine, and slow
	for _, test := range []struct {
		name   string
		before func(tr *tracker) (token uint64)
		after  func(tr *tracker) // called after the damage, before the Ack
		extra  bool              // entries found damaged stay counted even if they were delivered
	}{
		{"unread", func(*tracker) uint64 { return 0 }, func(tr *tracker) {}, false},
		{"read", func(tr *tracker) uint64 { return tr.peek(600) }, func(tr *tracker) {}, false},
		// Peek has forgotten the positions, so Ack must follow the frames.
		{"read before", func(tr *tracker) uint64 { token := tr.peek(600); tr.look(1); return token }, func(tr *tracker) {}, false},
		{"read before and again", func(tr *tracker) uint64 { return tr.peek(5000) }, func(tr *tracker) { tr.look(4000) }, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			const n = 8
			opened := func() *tracker { return openFilled(t, Options{MaxBytes: 32 << 10, Sync: Never}, 400, n) }
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
						tr := opened()
						token := test.before(tr)
						damage(tr.disk, tr.disk.files[segmentName(g.first)])
						test.after(tr)
						qt.Assert(t, tr.s.Ack(token), qt.IsNil, qt.Commentf(what))
						qt.Assert(t, tr.append(n), qt.IsNil, qt.Commentf(what)) // to the last segment, or a new one
						tr.drain()
						qt.Assert(t, tr.close(), qt.IsNil, qt.Commentf(what))
						for _, e := range tr.missing() {
							seq := uint64(e) + 1
							in := g.first <= seq && (seq < g.end() || i == len(segs)-1)
							qt.Assert(t, in, qt.IsTrue, qt.Commentf("%s: entry %d of another segment", what, e))
						}
						for e, times := range tr.out {
							qt.Assert(t, times, qt.Equals, 1, qt.Commentf("%s: entry %d", what, e))
						}
						tr.check(test.extra)
						// A second Open reports no further loss and finds no entry.
						qt.Assert(t, tr.open(), qt.IsNil, qt.Commentf(what))
						s := tr.s.Stats()
						qt.Assert(t, s.Entries+int(s.DroppedEntries), qt.Equals, 0, qt.Commentf(what))
						qt.Assert(t, tr.s.Close(), qt.IsNil)
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
		tr := openFilled(t, Options{Sync: Never}, 0, 2)
		f := tr.disk.files[segmentName(1)]
		size = len(f.data)
		reads := 0
		tr.disk.setFault(func(op, _ string) error {
			if op == "read" {
				if reads++; reads == 3 { // after two lengths
					f.data[at] ^= 0xff
				}
			}
			return nil
		})
		tr.drain()
		qt.Assert(t, reads >= 3, qt.IsTrue)
		qt.Assert(t, tr.close(), qt.IsNil)
		tr.check(false)
		qt.Assert(t, tr.out[1], qt.Equals, 0, qt.Commentf("byte %d", at))
	}
}

// TestPeekDamagedLengthMemory checks that a damaged length of 4 GiB allocates little.
func TestPeekDamagedLengthMemory(t *testing.T) {
	tr := openFilled(t, Options{Sync: Never}, 0, 0)
	tr.mustAppend(0)
	copy(tr.disk.files[segmentName(1)].data, "\xff\xff\xff\xff")
	allocated := func() uint64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.TotalAlloc
	}
	was := allocated()
	entries, _, err := tr.s.Peek(1000)
	qt.Check(t, allocated()-was < 1<<20, qt.IsTrue)
	qt.Assert(t, err, qt.IsNil)
	qt.Check(t, entries, qt.HasLen, 0)
	qt.Assert(t, tr.close(), qt.IsNil)
	tr.check(false)
}
