package spool

import (
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	qt "github.com/frankban/quicktest"
)

// TestCursorCannotBeOpened checks that deliveries continue without a cursor, and that the entries are
// sent again after a restart.
func TestCursorCannotBeOpened(t *testing.T) {
	var lines []string
	b := newBooks(t, newMemDisk(), Options{Sync: Never, Logf: func(format string, args ...any) {
		lines = append(lines, fmt.Sprintf(format, args...))
	}})
	b.disk.setFault(func(op, name string) error {
		if op == "open" && name == cursorName {
			return errIO
		}
		return nil
	})
	qt.Assert(t, b.open(), qt.IsNil)
	qt.Check(t, strings.Join(lines, "\n"), qt.Contains, "may be sent again")
	for n := range 3 {
		qt.Assert(t, b.append(n), qt.IsNil)
	}
	_, through, err := b.s.Peek(1)
	qt.Assert(t, err, qt.IsNil)
	qt.Check(t, b.s.Ack(through), qt.ErrorMatches, "spool: delivery not recorded: .*")
	qt.Check(t, b.s.Stats().Entries, qt.Equals, 2)
	b.kill()
	b.disk.setFault(nil)
	qt.Assert(t, b.open(), qt.IsNil)
	qt.Check(t, b.s.Stats().Entries, qt.Equals, 3)
	b.drain()
	qt.Assert(t, b.close(), qt.IsNil)
	b.check(false)
}

// TestCursorUnreadableIsReplaced checks that a cursor that becomes readable again does not mark newer
// entries as delivered.
func TestCursorUnreadableIsReplaced(t *testing.T) {
	for _, test := range []struct {
		name  string
		err   error
		ops   string // calls for the cursor that fail
		opens bool
		takes bool
	}{
		{"the disk cannot open it", errIO, "open", true, true},
		{"the disk cannot read it", errIO, "read", true, true},
		{"the disk cannot remove it either", errIO, "open remove", true, false},
		{"too many open files", syscall.EMFILE, "open", false, false},
		{"permission denied", fs.ErrPermission, "open", false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBooks(t, newMemDisk(), Options{Sync: Never})
			qt.Assert(t, b.open(), qt.IsNil)
			for n := range 10 {
				qt.Assert(t, b.append(n), qt.IsNil)
			}
			b.drain()
			qt.Assert(t, b.close(), qt.IsNil)
			qt.Assert(t, b.open(), qt.IsNil) // removes the last segment
			qt.Assert(t, b.close(), qt.IsNil)

			b.disk.setFault(func(op, name string) error {
				if name == cursorName && strings.Contains(test.ops, op) {
					return test.err
				}
				return nil
			})
			err := b.open()
			if !test.opens {
				qt.Assert(t, err, qt.ErrorIs, test.err)
				b.disk.setFault(nil)
				err = b.open()
			}
			qt.Assert(t, err, qt.IsNil)
			if test.opens && !test.takes {
				qt.Check(t, b.append(10), qt.ErrorIs, test.err)
			}
			if !test.takes {
				b.disk.setFault(nil)
			}
			for n := 11; n < 16; n++ {
				qt.Assert(t, b.append(n), qt.IsNil)
			}
			b.kill()
			b.disk.setFault(nil)
			qt.Assert(t, b.open(), qt.IsNil)
			qt.Check(t, b.s.Stats().Entries, qt.Equals, 5)
			b.drain()
			qt.Assert(t, b.close(), qt.IsNil)
			b.check(false)
		})
	}
}

// stuckDisk is a disk on which writing to the cursor fails.
type stuckDisk struct{ *memDisk }

func (d stuckDisk) Open(name string, flag int) (file, error) {
	f, err := d.memDisk.Open(name, flag)
	if err == nil && name == cursorName {
		f = stuckFile{f}
	}
	return f, err
}

type stuckFile struct{ file }

func (stuckFile) WriteAt([]byte, int64) (int, error) { return 0, errIO }

// TestAckUnrecordedIsNotLost checks that delivered entries do not count as lost if the disk still has
// the cursor of an earlier Close, which lists them as waiting.
func TestAckUnrecordedIsNotLost(t *testing.T) {
	b := newBooks(t, newMemDisk(), Options{Sync: Always})
	qt.Assert(t, b.open(), qt.IsNil)
	b.s.segBytes = 400
	for n := range 8 {
		qt.Assert(t, b.append(n), qt.IsNil)
	}
	qt.Assert(t, b.close(), qt.IsNil)

	var err error
	b.s, err = open(stuckDisk{b.disk}, testOwner, b.opts)
	qt.Assert(t, err, qt.IsNil)
	b.newest = -1
	for b.s.Stats().Entries > 0 {
		_, err := b.deliver(300)
		qt.Assert(t, err, qt.ErrorMatches, "spool: delivery not recorded: .*")
	}
	b.kill()
	qt.Assert(t, b.open(), qt.IsNil)
	qt.Check(t, b.s.Stats().DroppedEntries, qt.Equals, uint64(0))
	b.drain()
	qt.Assert(t, b.close(), qt.IsNil)
	b.check(false)
	qt.Check(t, b.disk.files, qt.HasLen, 2, qt.Commentf("owner and cursor"))
}

// TestAckUnrecordedMakesRoom checks that deliveries make room even if they cannot be recorded.
func TestAckUnrecordedMakesRoom(t *testing.T) {
	b := newBooks(t, newMemDisk(), Options{Sync: Always, MaxBytes: 16 << 10})
	qt.Assert(t, b.open(), qt.IsNil)
	qt.Assert(t, b.append(0), qt.IsNil)
	qt.Assert(t, b.close(), qt.IsNil)
	var err error
	b.s, err = open(stuckDisk{b.disk}, testOwner, b.opts)
	qt.Assert(t, err, qt.IsNil)
	for n := range 300 { // three times as many as fit
		qt.Assert(t, b.append(1+n), qt.IsNil)
		b.deliver(3000)
	}
	for n := range 60 { // half as many as fit, without a delivery
		qt.Assert(t, b.append(400+n), qt.IsNil)
	}
	qt.Check(t, b.s.Stats().DroppedEntries, qt.Equals, uint64(0))
	qt.Check(t, b.disk.peak <= b.s.maxBytes, qt.IsTrue)
}

// TestCursorOneSlot checks that one slot suffices if there is no room for the other.
func TestCursorOneSlot(t *testing.T) {
	b := newBooks(t, newMemDisk(), Options{Sync: Always})
	qt.Assert(t, b.open(), qt.IsNil)
	for n := range 3 {
		qt.Assert(t, b.append(n), qt.IsNil)
	}
	_, err := b.deliver(1)
	qt.Assert(t, err, qt.IsNil)
	qt.Assert(t, b.s.saveCursor(false), qt.IsNil) // both slots have this state
	b.kill()
	b.disk.files[cursorName].data = b.disk.files[cursorName].data[:slotSize]
	b.disk.setFault(func(op, name string) error {
		if op == "write" && name == cursorName {
			return errNoSpace
		}
		return nil
	})
	qt.Assert(t, b.open(), qt.IsNil)
	qt.Check(t, b.s.Stats().Entries, qt.Equals, 2)
	b.disk.setFault(nil)
	b.drain()
	qt.Assert(t, b.close(), qt.IsNil)
	b.check(false)
}
