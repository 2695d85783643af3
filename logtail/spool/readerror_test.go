package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/owndir"
)

// TestPeekReadErrors checks that a transient error drops no entry, and that a permanent one drops the
// rest of the segment.
func TestPeekReadErrors(t *testing.T) {
	for _, test := range []struct {
		name  string
		err   error
		times int  // number of failures to read the second segment
		lost  bool // the entries of the second segment
	}{
		{"too many open files", syscall.EMFILE, 20, false},
		{"no memory", errNoMemory, 20, false},
		{"permission denied", fs.ErrPermission, 20, false},
		{"others can write it", &owndir.RefusedError{Path: "x", Err: errors.New("is not ours")}, 20, false},
		{"the disk fails twice", errIO, readTries - 1, false},
		{"the disk fails for good", errIO, readTries, true},
		{"file missing", fs.ErrNotExist, 1, true},
	} {
		for _, op := range []string{"open", "read"} {
			t.Run(test.name+" at "+op, func(t *testing.T) {
				b := newBooks(t, newMemDisk(), Options{Sync: Never})
				qt.Assert(t, b.open(), qt.IsNil)
				b.s.segBytes = 400
				for n := range 8 {
					qt.Assert(t, b.append(n), qt.IsNil)
				}
				second := b.s.segs[1]
				left := test.times
				b.disk.setFault(func(o, name string) error {
					if o != op || name != segmentName(second.first) || left == 0 {
						return nil
					}
					left--
					return test.err
				})
				// The entries before it are delivered first.
				entries, through, err := b.s.Peek(3000)
				qt.Assert(t, err, qt.IsNil)
				qt.Assert(t, entries, qt.HasLen, int(b.s.segs[0].n))
				for _, e := range entries {
					b.note(e)
				}
				qt.Assert(t, b.s.Ack(through), qt.IsNil)
				for b.s.Stats().Entries > 0 {
					if _, err := b.deliver(3000); err != nil {
						qt.Assert(t, err, qt.ErrorIs, test.err)
					}
				}
				qt.Check(t, left, qt.Equals, 0)
				qt.Assert(t, b.close(), qt.IsNil)
				b.check(false)
				want := uint64(0)
				if test.lost {
					want = second.n
				}
				qt.Check(t, b.lost, qt.Equals, want)
			})
		}
	}
}

// TestAckReadErrorRemovesNothing checks that an Ack that fails to find its entry changes nothing, and
// can be repeated.
func TestAckReadErrorRemovesNothing(t *testing.T) {
	b := newBooks(t, newMemDisk(), Options{Sync: Never})
	qt.Assert(t, b.open(), qt.IsNil)
	b.s.segBytes = 400
	for n := range 8 {
		qt.Assert(t, b.append(n), qt.IsNil)
	}
	entries, through, err := b.s.Peek(300)
	qt.Assert(t, err, qt.IsNil)
	qt.Assert(t, through < b.s.segs[0].end()-1, qt.IsTrue, qt.Commentf("%d entries", len(entries)))
	for _, e := range entries {
		b.note(e)
	}
	qt.Assert(t, b.s.Ack(0), qt.IsNil)
	_, _, err = b.s.Peek(1) // replaces the places that Peek has stored
	qt.Assert(t, err, qt.IsNil)
	b.s.closeReader()
	b.disk.setFault(func(op, name string) error {
		if op == "open" {
			return syscall.EMFILE
		}
		return nil
	})
	held := b.s.Stats()
	qt.Check(t, b.s.Ack(through), qt.ErrorIs, syscall.EMFILE)
	qt.Check(t, b.s.Stats(), qt.Equals, held)
	b.disk.setFault(nil)
	qt.Check(t, b.s.Ack(through), qt.IsNil)
	b.drain()
	qt.Assert(t, b.close(), qt.IsNil)
	b.check(false)
}

// TestOpenReadErrors checks that Open returns a transient error, and tries again if the disk fails.
func TestOpenReadErrors(t *testing.T) {
	for _, test := range []struct {
		name  string
		op    string
		err   error
		times int
		opens bool
		lost  bool
	}{
		{"too many open files", "open", syscall.EMFILE, 1, false, false},
		{"permission denied", "open", fs.ErrPermission, 1, false, false},
		{"a read that fails twice", "read", errIO, readTries - 1, true, false},
		{"a read that fails for good", "read", errIO, readTries, true, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBooks(t, newMemDisk(), Options{Sync: Never})
			qt.Assert(t, b.open(), qt.IsNil)
			const large = 100 << 10 // takes two reads
			qt.Assert(t, b.s.Append(make([]byte, large)), qt.IsNil)
			qt.Assert(t, b.s.Close(), qt.IsNil)
			reads, left := 0, test.times
			b.disk.setFault(func(op, name string) error {
				if _, ok := parseSegmentName(name); !ok || op != test.op {
					return nil
				}
				if reads++; left == 0 || op == "read" && reads%2 == 1 {
					return nil
				}
				left--
				return test.err
			})
			err := b.open()
			if !test.opens {
				qt.Assert(t, err, qt.ErrorIs, test.err)
				err = b.open()
			}
			qt.Assert(t, err, qt.IsNil)
			entries, _, err := b.s.Peek(1)
			qt.Assert(t, err, qt.IsNil)
			qt.Check(t, len(entries) == 0, qt.Equals, test.lost)
			qt.Check(t, b.s.Stats().DroppedEntries == 1, qt.Equals, test.lost)
			qt.Assert(t, b.s.Close(), qt.IsNil)
		})
	}
}

// TestOpenNewestSegmentUnreadable checks that the loss is reported, although the number of entries is
// unknown.
func TestOpenNewestSegmentUnreadable(t *testing.T) {
	var lines []string
	b := newBooks(t, newMemDisk(), Options{Sync: Never, Logf: func(format string, args ...any) {
		lines = append(lines, fmt.Sprintf(format, args...))
	}})
	qt.Assert(t, b.open(), qt.IsNil)
	for n := range 13 {
		qt.Assert(t, b.append(n), qt.IsNil)
	}
	b.kill()
	b.disk.setFault(func(op, name string) error {
		if op == "read" && name == segmentName(1) {
			return errIO
		}
		return nil
	})
	qt.Assert(t, b.open(), qt.IsNil)
	qt.Check(t, b.s.Stats().DroppedEntries, qt.Equals, uint64(1))
	qt.Check(t, b.s.Stats().DroppedBytes > 1000, qt.IsTrue)
	qt.Check(t, strings.Join(lines, "\n"), qt.Contains, "bytes cannot be read: ")
	qt.Assert(t, b.s.Close(), qt.IsNil)
}
