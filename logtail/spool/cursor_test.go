package spool

import (
	"io/fs"
	"strings"
	"syscall"
	"testing"

	qt "github.com/frankban/quicktest"
)

// TestCursorCannotBeOpened checks that deliveries continue without a cursor, and that the entries are
// sent again after a restart.
func TestCursorCannotBeOpened(t *testing.T) {
	tr := newTracker(t, newMemDisk(), Options{Sync: Never})
	tr.disk.fail(errIO, cursorName, "open")
	tr.mustOpen()
	qt.Check(t, strings.Join(tr.lines, "\n"), qt.Contains, "may be sent again")
	for n := range 3 {
		tr.mustAppend(n)
	}
	_, through, err := tr.s.Peek(1)
	qt.Assert(t, err, qt.IsNil)
	qt.Check(t, tr.s.Ack(through), qt.ErrorMatches, "spool: delivery not recorded: .*")
	qt.Check(t, tr.s.Stats().Entries, qt.Equals, 2)
	tr.kill()
	tr.disk.setFault(nil)
	tr.mustOpen()
	qt.Check(t, tr.s.Stats().Entries, qt.Equals, 3)
	tr.finish()
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
			tr := openFilled(t, Options{Sync: Never}, 0, 10)
			tr.drain()
			qt.Assert(t, tr.close(), qt.IsNil)
			tr.mustOpen() // removes the last segment
			qt.Assert(t, tr.close(), qt.IsNil)

			tr.disk.setFault(func(op, name string) error {
				if name == cursorName && strings.Contains(test.ops, op) {
					return test.err
				}
				return nil
			})
			err := tr.open()
			if !test.opens {
				qt.Assert(t, err, qt.ErrorIs, test.err)
				tr.disk.setFault(nil)
				err = tr.open()
			}
			qt.Assert(t, err, qt.IsNil)
			if test.opens && !test.takes {
				qt.Check(t, tr.append(10), qt.ErrorIs, test.err)
			}
			if !test.takes {
				tr.disk.setFault(nil)
			}
			for n := 11; n < 16; n++ {
				tr.mustAppend(n)
			}
			tr.kill()
			tr.disk.setFault(nil)
			tr.mustOpen()
			qt.Check(t, tr.s.Stats().Entries, qt.Equals, 5)
			tr.finish()
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
	tr := openFilled(t, Options{Sync: Always}, 400, 8)
	qt.Assert(t, tr.close(), qt.IsNil)

	qt.Assert(t, tr.openOn(stuckDisk{tr.disk}), qt.IsNil)
	for tr.s.Stats().Entries > 0 {
		_, err := tr.deliver(300)
		qt.Assert(t, err, qt.ErrorMatches, "spool: delivery not recorded: .*")
	}
	tr.kill()
	tr.mustOpen()
	qt.Check(t, tr.s.Stats().DroppedEntries, qt.Equals, uint64(0))
	tr.finish()
	qt.Check(t, tr.disk.files, qt.HasLen, 2, qt.Commentf("owner and cursor"))
}

// TestAckUnrecordedMakesRoom checks that deliveries make room even if they cannot be recorded.
func TestAckUnrecordedMakesRoom(t *testing.T) {
	tr := openFilled(t, Options{Sync: Always, MaxBytes: 16 << 10}, 0, 1)
	qt.Assert(t, tr.close(), qt.IsNil)
	qt.Assert(t, tr.openOn(stuckDisk{tr.disk}), qt.IsNil)
	for n := range 300 { // three times as many as fit
		tr.mustAppend(1 + n)
		tr.deliver(3000)
	}
	for n := range 60 { // half as many as fit, without a delivery
		tr.mustAppend(400 + n)
	}
	qt.Check(t, tr.s.Stats().DroppedEntries, qt.Equals, uint64(0))
	qt.Check(t, tr.disk.peak <= tr.s.maxBytes, qt.IsTrue)
}

// TestCursorOneSlot checks that one slot suffices if there is no room for the other.
func TestCursorOneSlot(t *testing.T) {
	tr := openFilled(t, Options{Sync: Always}, 0, 3)
	_, err := tr.deliver(1)
	qt.Assert(t, err, qt.IsNil)
	qt.Assert(t, tr.s.saveCursor(false), qt.IsNil) // both slots have this state
	tr.kill()
	tr.disk.files[cursorName].data = tr.disk.files[cursorName].data[:slotSize]
	tr.disk.fail(errNoSpace, cursorName, "write")
	tr.mustOpen()
	qt.Check(t, tr.s.Stats().Entries, qt.Equals, 2)
	tr.disk.setFault(nil)
	tr.finish()
}
