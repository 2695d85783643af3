package spool

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"
)

// TestOpenTooLargeDropsOldest opens a spool with a smaller MaxBytes, which drops whole segments.
func TestOpenTooLargeDropsOldest(t *testing.T) {
	for _, removes := range []bool{true, false} {
		var lines []string
		b := newBooks(t, newMemDisk(), Options{Sync: Never, Logf: func(format string, args ...any) {
			lines = append(lines, fmt.Sprintf(format, args...))
		}})
		qt.Assert(t, b.open(), qt.IsNil)
		b.s.segBytes = 400
		const n = 100
		for i := range n {
			qt.Assert(t, b.append(i), qt.IsNil)
		}
		qt.Assert(t, b.close(), qt.IsNil)
		qt.Assert(t, b.disk.totalLocked() > 2*minMaxBytes, qt.IsTrue)

		b.opts.MaxBytes = minMaxBytes
		b.disk.setFault(func(op, _ string) error {
			if op == "remove" && !removes {
				return errIO
			}
			return nil
		})
		qt.Assert(t, b.open(), qt.IsNil)
		if !removes {
			qt.Check(t, b.s.Stats().Entries, qt.Equals, n)
			qt.Assert(t, lines, qt.HasLen, 1)
			qt.Check(t, lines[0], qt.Contains, "larger than its bound")
			qt.Check(t, b.append(n), qt.ErrorIs, errIO)
			b.disk.setFault(nil)
		} else {
			qt.Check(t, b.disk.totalLocked() <= minMaxBytes, qt.IsTrue)
		}
		qt.Assert(t, b.append(n+1), qt.IsNil)
		qt.Check(t, b.disk.totalLocked() <= minMaxBytes, qt.IsTrue)
		b.drain()
		qt.Assert(t, b.close(), qt.IsNil)
		missing := b.missing()
		qt.Check(t, len(missing) > n/2 && len(missing) < n, qt.IsTrue, qt.Commentf("%d missing", len(missing)))
		qt.Check(t, missing, qt.DeepEquals, b.accepted[:len(missing)], qt.Commentf("the oldest"))
		qt.Check(t, b.lost, qt.Equals, uint64(len(missing)))
	}
}

// TestMaxBytesCountsUnremovableFiles checks that files which cannot be removed fill the spool.
func TestMaxBytesCountsUnremovableFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBooks(t, newMemDisk(), Options{MaxBytes: minMaxBytes, Sync: Never})
		qt.Assert(t, b.open(), qt.IsNil)
		b.s.segBytes = 400
		b.disk.setFault(func(op, _ string) error {
			if op == "remove" {
				return errIO
			}
			return nil
		})
		n := 0
		for ; b.append(n) == nil; n++ {
			b.drain()
		}
		qt.Check(t, n > 10, qt.IsTrue, qt.Commentf("%d entries", n))
		time.Sleep(2 * restTime)
		qt.Check(t, b.append(n), qt.ErrorIs, errNoRoom)
		b.disk.setFault(nil)
		time.Sleep(2 * restTime)
		qt.Check(t, b.append(n+1), qt.IsNil)
		b.drain()
		qt.Assert(t, b.close(), qt.IsNil)
		b.check(false)
	})
}

// TestMaxBytesIgnoresMissingFiles removes segments behind the back of the spool, and checks that
// their bytes no longer count.
func TestMaxBytesIgnoresMissingFiles(t *testing.T) {
	b := newBooks(t, newMemDisk(), Options{MaxBytes: minMaxBytes, Sync: Never})
	qt.Assert(t, b.open(), qt.IsNil)
	b.s.segBytes = 400
	for n := range 100 {
		qt.Assert(t, b.append(n), qt.IsNil)
		if n%3 == 2 { // lose everything but the segment being written
			for name := range b.disk.files {
				if _, ok := parseSegmentName(name); ok {
					delete(b.disk.files, name)
				}
			}
			b.drain()
		}
	}
	b.drain()
	qt.Assert(t, b.close(), qt.IsNil)
	b.check(false)
}

// TestAppendSkipsTakenNames checks that Append skips at most 16 existing files for one entry, and
// does not count their numbers as lost.
func TestAppendSkipsTakenNames(t *testing.T) {
	b := newBooks(t, newMemDisk(), Options{Sync: Never})
	qt.Assert(t, b.open(), qt.IsNil)
	for seq := range uint64(20) {
		name := segmentName(1 + seq)
		b.disk.files[name] = &memFile{disk: b.disk, name: name, data: []byte("not ours")}
	}
	qt.Check(t, b.append(0), qt.ErrorIs, errNames)
	qt.Check(t, b.append(1), qt.IsNil)
	b.drain()
	qt.Assert(t, b.close(), qt.IsNil)
	b.check(false)
	for seq := range uint64(20) {
		qt.Check(t, string(b.disk.files[segmentName(1+seq)].data), qt.Equals, "not ours")
	}
}

// TestAppendLastNumber opens a spool with an entry of the largest number, which no spool reaches by
// counting. Append fails until that entry is delivered and the spool is opened again.
func TestAppendLastNumber(t *testing.T) {
	b := newBooks(t, newMemDisk(), Options{Sync: Never})
	qt.Assert(t, b.open(), qt.IsNil)
	qt.Assert(t, b.s.Close(), qt.IsNil)
	name := segmentName(maxSeq)
	b.disk.files[name] = &memFile{disk: b.disk, name: name, data: appendFrame(nil, maxSeq, numbered(0))}
	qt.Assert(t, b.open(), qt.IsNil)
	qt.Check(t, b.append(1), qt.ErrorIs, errNames)
	b.drain()
	qt.Assert(t, b.close(), qt.IsNil)
	qt.Assert(t, b.open(), qt.IsNil)
	qt.Check(t, b.append(2), qt.IsNil)
	b.drain()
	qt.Assert(t, b.close(), qt.IsNil)
	qt.Check(t, b.out, qt.DeepEquals, map[int]int{0: 1, 2: 1})
}

// TestAppendLargeEntryMemory checks that Append releases the memory of a large frame.
func TestAppendLargeEntryMemory(t *testing.T) {
	b := newBooks(t, newMemDisk(), Options{Sync: Never})
	qt.Assert(t, b.open(), qt.IsNil)
	qt.Assert(t, b.s.Append(slices.Repeat([]byte("x"), 1<<20)), qt.IsNil)
	qt.Check(t, cap(b.s.frame) <= 256<<10, qt.IsTrue)
	qt.Assert(t, b.s.Append([]byte("small")), qt.IsNil)
	entries, _, err := b.s.Peek(2 << 20)
	qt.Assert(t, err, qt.IsNil)
	qt.Check(t, len(entries[0]), qt.Equals, 1<<20)
	qt.Check(t, string(entries[1]), qt.Equals, "small")
	qt.Assert(t, b.s.Close(), qt.IsNil)
}

// TestPeekCrossesSkippedNumbers checks that Peek finds the entries after a number without an entry.
func TestPeekCrossesSkippedNumbers(t *testing.T) {
	b := newBooks(t, newMemDisk(), Options{Sync: Never})
	qt.Assert(t, b.open(), qt.IsNil)
	qt.Assert(t, b.append(0), qt.IsNil)
	b.disk.setFault(func(op, _ string) error {
		if op == "write" || op == "truncate" {
			return errIO
		}
		return nil
	})
	qt.Assert(t, b.append(1), qt.IsNotNil)
	b.disk.setFault(nil)
	for n := 2; n < 5; n++ {
		qt.Assert(t, b.append(n), qt.IsNil)
	}
	for range 2 { // the second result comes from memory
		entries, through, err := b.s.Peek(3000)
		qt.Assert(t, err, qt.IsNil)
		qt.Assert(t, entries, qt.HasLen, 4)
		qt.Check(t, through, qt.Equals, uint64(5))
	}
	for want := range 4 { // one by one, across the skipped number
		qt.Assert(t, b.s.Stats().Entries, qt.Equals, 4-want)
		entries, _, err := b.s.Peek(1)
		qt.Assert(t, err, qt.IsNil)
		qt.Assert(t, entries, qt.HasLen, 1)
		b.note(entries[0])
		_, _, err = b.s.Peek(3000)
		qt.Assert(t, err, qt.IsNil)
		qt.Assert(t, b.s.Ack(b.s.head), qt.IsNil)
	}
	qt.Assert(t, b.close(), qt.IsNil)
	b.check(false)
}
