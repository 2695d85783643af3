package spool

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	qt "github.com/frankban/quicktest"
)

// filled returns a disk with entries 0 to n-1, of which the first acked are acknowledged. The spool
// was closed if clean is set, or else its process was killed.
func filled(t *testing.T, n, acked int, clean bool) *memDisk {
	t.Helper()
	tr := openFilled(t, Options{MaxBytes: 32 << 10, Sync: Never}, 400, n)
	for got := 0; got < acked; {
		entries, through, err := tr.s.Peek(1)
		qt.Assert(t, err, qt.IsNil)
		qt.Assert(t, tr.s.Ack(through), qt.IsNil)
		got += len(entries)
	}
	if clean {
		qt.Assert(t, tr.s.Close(), qt.IsNil)
	}
	return tr.disk.clone()
}

// TestOpenDamagedBytes changes every byte of every file in several ways.
func TestOpenDamagedBytes(t *testing.T) {
	const n, acked = 8, 2
	whole := filled(t, n, acked, true)
	segments := segmentEntries(t, whole, n)
	for _, name := range slices.Sorted(maps.Keys(whole.files)) {
		for at := range whole.files[name].data {
			for how, change := range map[string]func(f *memFile){
				"flip":     func(f *memFile) { f.data[at] ^= 0xff },
				"zero":     func(f *memFile) { f.data[at] = 0 },
				"zeros":    func(f *memFile) { clear(f.data[at:]) },
				"truncate": func(f *memFile) { f.data = f.data[:at] },
			} {
				d := whole.clone()
				change(d.files[name])
				checkDamage(t, d, segments[name], n, acked, fmt.Sprintf("%s %s at %d", how, name, at))
			}
		}
		d := whole.clone()
		delete(d.files, name)
		checkDamage(t, d, segments[name], n, acked, "delete "+name)
	}
}

// checkDamage opens a damaged spool that held entries below n, of which acked are acknowledged. It
// checks that only entries of the damaged segment are missing, that all of them are counted, and
// that new entries are kept.
func checkDamage(t *testing.T, d *memDisk, segment map[int]bool, n, acked int, what string) {
	t.Helper()
	tr := newTracker(t, d, Options{MaxBytes: 32 << 10, Sync: Never})
	qt.Assert(t, tr.open(), qt.IsNil, qt.Commentf(what))
	for i := n; i < n+3; i++ {
		qt.Assert(t, tr.append(i), qt.IsNil, qt.Commentf(what))
	}
	tr.drain()
	qt.Assert(t, tr.close(), qt.IsNil, qt.Commentf(what))
	missing := uint64(0)
	for i := acked; i < n+3; i++ {
		if tr.out[i] == 0 {
			missing++
			qt.Assert(t, segment[i], qt.IsTrue, qt.Commentf("%s: entry %d, which is not in the segment", what, i))
		}
	}
	qt.Assert(t, tr.lost, qt.Equals, missing, qt.Commentf(what))
	for i, times := range tr.out {
		qt.Assert(t, times == 1 && i < n+3, qt.IsTrue, qt.Commentf("%s: entry %d", what, i))
	}
	// A second Open reports no further loss and finds no entry.
	again := newTracker(t, d, tr.opts)
	qt.Assert(t, again.open(), qt.IsNil, qt.Commentf(what))
	qt.Assert(t, again.s.Stats().DroppedEntries, qt.Equals, uint64(0), qt.Commentf(what))
	again.drain()
	qt.Assert(t, again.close(), qt.IsNil, qt.Commentf(what))
	qt.Assert(t, again.out, qt.HasLen, 0, qt.Commentf(what))
}

// segmentEntries returns the entries in each file.
func segmentEntries(t *testing.T, d *memDisk, n int) map[string]map[int]bool {
	var firsts []uint64
	for name := range d.files {
		if first, ok := parseSegmentName(name); ok {
			firsts = append(firsts, first)
		}
	}
	qt.Assert(t, len(firsts) > 1, qt.IsTrue)
	slices.Sort(firsts)
	in := map[string]map[int]bool{}
	for i, end := range append(firsts[1:], uint64(n+1)) {
		entries := map[int]bool{}
		for seq := firsts[i]; seq < end; seq++ {
			entries[int(seq)-1] = true
		}
		in[segmentName(firsts[i])] = entries
	}
	return in
}

// TestOpenRandomDamage damages several files of a spool, closed or not, and checks that Open
// succeeds and a new entry is kept.
func TestOpenRandomDamage(t *testing.T) {
	const n, acked = 80, 4
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 3))
		d := filled(t, n, acked, r.IntN(2) == 0)
		names := slices.Sorted(maps.Keys(d.files))
		names = slices.DeleteFunc(names, func(s string) bool { return s == ownerName })
		for range 1 + r.IntN(4) {
			f := d.files[names[r.IntN(len(names))]]
			if f == nil || len(f.data) == 0 {
				continue
			}
			switch at := r.IntN(len(f.data)); r.IntN(5) {
			case 0:
				f.data = f.data[:at]
			case 1:
				f.data = append(f.data, make([]byte, 1+r.IntN(200))...)
			case 2:
				delete(d.files, f.name)
			case 3:
				clear(f.data[at:])
			default:
				f.data[at] ^= byte(1 + r.IntN(255))
			}
		}
		tr := newTracker(t, d, Options{MaxBytes: 64 << 10, Sync: Never})
		qt.Assert(t, tr.open(), qt.IsNil, qt.Commentf("seed %d", seed))
		tr.mustAppend(n)
		tr.drain()
		qt.Assert(t, tr.out[n], qt.Equals, 1, qt.Commentf("seed %d", seed))
		qt.Assert(t, tr.close(), qt.IsNil)
	}
}
