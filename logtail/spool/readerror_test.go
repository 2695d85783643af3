package spool

import (
	"errors"
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
				tr := openFilled(t, Options{Sync: Never}, 400, 8)
				second := tr.s.segs[1]
				left := test.times
				tr.disk.setFault(func(o, name string) error {
					if o != op || name != segmentName(second.first) || left == 0 {
						return nil
					}
					left--
					return test.err
				})
				// The entries before it are delivered first.
				entries, through, err := tr.s.Peek(3000)
				qt.Assert(t, err, qt.IsNil)
				qt.Assert(t, entries, qt.HasLen, int(tr.s.segs[0].n))
				for _, e := range entries {
					tr.note(e)
				}
				qt.Assert(t, tr.s.Ack(through), qt.IsNil)
				for tr.s.Stats().Entries > 0 {
					if _, err := tr.deliver(3000); err != nil {
						qt.Assert(t, err, qt.ErrorIs, test.err)
					}
				}
				qt.Check(t, left, qt.Equals, 0)
				qt.Assert(t, tr.close(), qt.IsNil)
				tr.check(false)
				want := uint64(0)
				if test.lost {
					want = second.n
				}
				qt.Check(t, tr.lost, qt.Equals, want)
			})
		}
	}
}

// TestAckReadErrorRemovesNothing checks that an Ack that fails to find its entry changes nothing, and
// can be repeated.
func TestAckReadErrorRemovesNothing(t *testing.T) {
	tr := openFilled(t, Options{Sync: Never}, 400, 8)
	entries, through, err := tr.s.Peek(300)
	qt.Assert(t, err, qt.IsNil)
	qt.Assert(t, through < tr.s.segs[0].end()-1, qt.IsTrue, qt.Commentf("%d entries", len(entries)))
	for _, e := range entries {
		tr.note(e)
	}
	qt.Assert(t, tr.s.Ack(0), qt.IsNil)
	_, _, err = tr.s.Peek(1) // replaces the positions that Peek has stored
	qt.Assert(t, err, qt.IsNil)
	tr.s.closeReader()
	tr.disk.fail(syscall.EMFILE, "", "open")
	held := tr.s.Stats()
	qt.Check(t, tr.s.Ack(through), qt.ErrorIs, syscall.EMFILE)
	qt.Check(t, tr.s.Stats(), qt.Equals, held)
	tr.disk.setFault(nil)
	qt.Check(t, tr.s.Ack(through), qt.IsNil)
	tr.finish()
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
			tr := openFilled(t, Options{Sync: Never}, 0, 0)
			const large = 100 << 10 // takes two reads
			qt.Assert(t, tr.s.Append(make([]byte, large)), qt.IsNil)
			qt.Assert(t, tr.s.Close(), qt.IsNil)
			reads, left := 0, test.times
			tr.disk.setFault(func(op, name string) error {
				if _, ok := parseSegmentName(name); !ok || op != test.op {
					return nil
				}
				if reads++; left == 0 || op == "read" && reads%2 == 1 {
					return nil
				}
				left--
				return test.err
			})
			err := tr.open()
			if !test.opens {
				qt.Assert(t, err, qt.ErrorIs, test.err)
				err = tr.open()
			}
			qt.Assert(t, err, qt.IsNil)
			entries, _, err := tr.s.Peek(1)
			qt.Assert(t, err, qt.IsNil)
			qt.Check(t, len(entries) == 0, qt.Equals, test.lost)
			qt.Check(t, tr.s.Stats().DroppedEntries == 1, qt.Equals, test.lost)
			qt.Assert(t, tr.s.Close(), qt.IsNil)
		})
	}
}

// TestOpenNewestSegmentUnreadable checks that the loss is reported, although the number of entries is
// unknown.
func TestOpenNewestSegmentUnreadable(t *testing.T) {
	tr := openFilled(t, Options{Sync: Never}, 0, 13)
	tr.kill()
	tr.disk.fail(errIO, segmentName(1), "read")
	tr.mustOpen()
	qt.Check(t, tr.s.Stats().DroppedEntries, qt.Equals, uint64(1))
	qt.Check(t, tr.s.Stats().DroppedBytes > 1000, qt.IsTrue)
	qt.Check(t, strings.Join(tr.lines, "\n"), qt.Contains, "bytes cannot be read: ")
	qt.Assert(t, tr.s.Close(), qt.IsNil)
}
