package spool

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"
)

// TestOpenTooLargeDropsOldest opens a spool with a smaller MaxBytes, which drops whole segments.
func TestOpenTooLargeDropsOldest(t *testing.T) {
	for _, removes := range []bool{true, false} {
		const n = 100
		tr := openFilled(t, Options{Sync: Never}, 400, n)
		qt.Assert(t, tr.close(), qt.IsNil)
		qt.Assert(t, tr.disk.totalLocked() > 2*minMaxBytes, qt.IsTrue)

		tr.opts.MaxBytes = minMaxBytes
		if removes {
			tr.mustOpen()
			qt.Check(t, tr.disk.totalLocked() <= minMaxBytes, qt.IsTrue)
		} else {
			tr.disk.fail(errIO, "", "remove")
			tr.mustOpen()
			qt.Check(t, tr.s.Stats().Entries, qt.Equals, n)
			qt.Assert(t, tr.lines, qt.HasLen, 1)
			qt.Check(t, tr.lines[0], qt.Contains, "larger than its bound")
			qt.Check(t, tr.append(n), qt.ErrorIs, errIO)
			tr.disk.setFault(nil)
		}
		tr.mustAppend(n + 1)
		qt.Check(t, tr.disk.totalLocked() <= minMaxBytes, qt.IsTrue)
		tr.drain()
		qt.Assert(t, tr.close(), qt.IsNil)
		missing := tr.missing()
		qt.Check(t, len(missing) > n/2 && len(missing) < n, qt.IsTrue, qt.Commentf("%d missing", len(missing)))
		qt.Check(t, missing, qt.DeepEquals, tr.accepted[:len(missing)], qt.Commentf("the oldest"))
		qt.Check(t, tr.lost, qt.Equals, uint64(len(missing)))
	}
}

// TestMaxBytesCountsUnremovableFiles checks that files which cannot be removed fill the spool.
func TestMaxBytesCountsUnremovableFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := openFilled(t, Options{MaxBytes: minMaxBytes, Sync: Never}, 400, 0)
		tr.disk.fail(errIO, "", "remove")
		n := 0
		for ; tr.append(n) == nil; n++ {
			tr.drain()
		}
		qt.Check(t, n > 10, qt.IsTrue, qt.Commentf("%d entries", n))
		time.Sleep(2 * pauseTime)
		qt.Check(t, tr.append(n), qt.ErrorIs, errNoRoom)
		tr.disk.setFault(nil)
		time.Sleep(2 * pauseTime)
		qt.Check(t, tr.append(n+1), qt.IsNil)
		tr.finish()
	})
}

// TestMaxBytesIgnoresMissingFiles removes segments behind the back of the spool, and checks that
// their bytes no longer count.
func TestMaxBytesIgnoresMissingFiles(t *testing.T) {
	tr := openFilled(t, Options{MaxBytes: minMaxBytes, Sync: Never}, 400, 0)
	for n := range 100 {
		tr.mustAppend(n)
		if n%3 == 2 { // lose everything but the segment being written
			for name := range tr.disk.files {
				if _, ok := parseSegmentName(name); ok {
					delete(tr.disk.files, name)
				}
			}
			tr.drain()
		}
	}
	tr.finish()
}

// TestAppendSkipsTakenNames checks that Append skips at most 16 existing files for one entry, and
// does not count their numbers as lost.
func TestAppendSkipsTakenNames(t *testing.T) {
	tr := openFilled(t, Options{Sync: Never}, 0, 0)
	for seq := range uint64(20) {
		name := segmentName(1 + seq)
		tr.disk.files[name] = &memFile{disk: tr.disk, name: name, data: []byte("not ours")}
	}
	qt.Check(t, tr.append(0), qt.ErrorIs, errNames)
	qt.Check(t, tr.append(1), qt.IsNil)
	tr.finish()
	for seq := range uint64(20) {
		qt.Check(t, string(tr.disk.files[segmentName(1+seq)].data), qt.Equals, "not ours")
	}
}

// TestAppendLastNumber opens a spool with an entry of the largest number, which no spool reaches by
// counting. Append fails until that entry is delivered and the spool is opened again.
func TestAppendLastNumber(t *testing.T) {
	tr := openFilled(t, Options{Sync: Never}, 0, 0)
	qt.Assert(t, tr.s.Close(), qt.IsNil)
	name := segmentName(maxSeq)
	tr.disk.files[name] = &memFile{disk: tr.disk, name: name, data: appendFrame(nil, maxSeq, numbered(0))}
	tr.mustOpen()
	qt.Check(t, tr.append(1), qt.ErrorIs, errNames)
	tr.drain()
	qt.Assert(t, tr.close(), qt.IsNil)
	tr.mustOpen()
	qt.Check(t, tr.append(2), qt.IsNil)
	tr.drain()
	qt.Assert(t, tr.close(), qt.IsNil)
	qt.Check(t, tr.out, qt.DeepEquals, map[int]int{0: 1, 2: 1})
}

// TestAppendLargeEntryMemory checks that Append releases the memory of a large frame.
func TestAppendLargeEntryMemory(t *testing.T) {
	tr := openFilled(t, Options{Sync: Never}, 0, 0)
	qt.Assert(t, tr.s.Append(slices.Repeat([]byte("x"), 1<<20)), qt.IsNil)
	qt.Check(t, cap(tr.s.frame) <= 256<<10, qt.IsTrue)
	qt.Assert(t, tr.s.Append([]byte("small")), qt.IsNil)
	entries, _, err := tr.s.Peek(2 << 20)
	qt.Assert(t, err, qt.IsNil)
	qt.Check(t, len(entries[0]), qt.Equals, 1<<20)
	qt.Check(t, string(entries[1]), qt.Equals, "small")
	qt.Assert(t, tr.s.Close(), qt.IsNil)
}

// TestPeekCrossesSkippedNumbers checks that Peek finds the entries after a number without an entry.
func TestPeekCrossesSkippedNumbers(t *testing.T) {
	tr := openFilled(t, Options{Sync: Never}, 0, 1)
	tr.disk.fail(errIO, "", "write", "truncate")
	qt.Assert(t, tr.append(1), qt.IsNotNil)
	tr.disk.setFault(nil)
	for n := 2; n < 5; n++ {
		tr.mustAppend(n)
	}
	for range 2 { // the second result comes from memory
		entries, through, err := tr.s.Peek(3000)
		qt.Assert(t, err, qt.IsNil)
		qt.Assert(t, entries, qt.HasLen, 4)
		qt.Check(t, through, qt.Equals, uint64(5))
	}
	for want := range 4 { // one by one, across the skipped number
		qt.Assert(t, tr.s.Stats().Entries, qt.Equals, 4-want)
		entries, _, err := tr.s.Peek(1)
		qt.Assert(t, err, qt.IsNil)
		qt.Assert(t, entries, qt.HasLen, 1)
		tr.note(entries[0])
		_, _, err = tr.s.Peek(3000)
		qt.Assert(t, err, qt.IsNil)
		qt.Assert(t, tr.s.Ack(tr.s.head), qt.IsNil)
	}
	qt.Assert(t, tr.close(), qt.IsNil)
	tr.check(false)
}
