package spool

import (
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	qt "github.com/frankban/quicktest"
)

// TestCursorCannotBeOpened deliveries go on, and come again after a restart.
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

// TestCursorUnreadableIsReplaced: what it calls delivered must not be what was
// accepted while it could not be read.
func TestCursorUnreadableIsReplaced(t *testing.T) {
	for _, test := range []struct {
		name  string
		err   error
		ops   string // that fail on the cursor
		opens bool
		takes bool
	}{
		{"the disk cannot open it", errIO, "open", true, true},
		{"the disk cannot read it", errIO, "read", true, true},
		{"nor remove it", errIO, "open remove", true, false},
		{"too many open files", syscall.EMFILE, "open", false, false},
		{"no right to read it", fs.ErrPermission, "open", false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBooks(t, newMemDisk(), Options{Sync: Never})
			qt.Assert(t, b.open(), qt.IsNil)
			for n := range 10 {
				qt.Assert(t, b.append(n), qt.IsNil)
			}
			b.drain()
			qt.Assert(t, b.close(), qt.IsNil)
			qt.Assert(t, b.open(), qt.IsNil) // the last segment goes
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

// stuckDisk is a disk that writes nothing to the cursor.
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

// TestAckUnrecordedIsNotLost: the cursor of a Close still stands, and
// what it says is held must not be missed.
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

// TestAckUnrecordedMakesRoom.
func TestAckUnrecordedMakesRoom(t *testing.T) {
	b := newBooks(t, newMemDisk(), Options{Sync: Always, MaxBytes: 16 << 10})
	qt.Assert(t, b.open(), qt.IsNil)
	qt.Assert(t, b.append(0), qt.IsNil)
	qt.Assert(t, b.close(), qt.IsNil)
	var err error
	b.s, err = open(stuckDisk{b.disk}, testOwner, b.opts)
	qt.Assert(t, err, qt.IsNil)
	for n := range 300 { // three times the room
		qt.Assert(t, b.append(1+n), qt.IsNil)
		b.deliver(3000)
	}
	for n := range 60 { // half of the room, without a delivery
		qt.Assert(t, b.append(400+n), qt.IsNil)
	}
	qt.Check(t, b.s.Stats().DroppedEntries, qt.Equals, uint64(0))
	qt.Check(t, b.disk.peak <= b.s.maxBytes, qt.IsTrue)
}

// TestCursorOneSlot: one slot is enough, where there is no room for the other.
func TestCursorOneSlot(t *testing.T) {
	b := newBooks(t, newMemDisk(), Options{Sync: Always})
	qt.Assert(t, b.open(), qt.IsNil)
	for n := range 3 {
		qt.Assert(t, b.append(n), qt.IsNil)
	}
	_, err := b.deliver(1)
	qt.Assert(t, err, qt.IsNil)
	qt.Assert(t, b.s.saveCursor(false), qt.IsNil) // both slots say so
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
