package spool

import (
	"errors"
	"io"
	"io/fs"
	"os"
)

const (
	lockName   = "lock"
	cursorName = "cursor"
)

// cursor is the file of the two slots. It belongs to the holder of busy.
type cursor struct {
	file     file // nil: could not be opened; tried again when it is needed
	readOnly bool // file was opened so: opened again before it is written
	unread   bool // there is one whose slots are not known
	slot     slot // the state found, or written last; generation 0: none
	at       int64
}

// forgetCursor removes a cursor that could not be read. If it were read one day after
// all, it would take entries for delivered that have got its numbers meanwhile.
func (s *Spool) forgetCursor() error {
	if !s.cursor.unread {
		return nil
	}
	if err := s.disk.Remove(cursorName); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	s.cursor.unread = false
	return nil
}

// openCursor opens the cursor and reads it. Damage is no error: a spool without
// a cursor sends again what it sent before.
func (s *Spool) openCursor() error {
	c := &s.cursor
	c.readOnly = false
	f, err := s.disk.Open(cursorName, os.O_RDWR|os.O_CREATE)
	if err != nil { // a read-only file system can still be read
		var again error
		if f, again = s.disk.Open(cursorName, os.O_RDONLY); again != nil {
			return err
		}
		c.readOnly = true
	}
	b := make([]byte, cursorSize)
	n, err := f.ReadAt(b, 0)
	for range readTries - 1 {
		if err != nil && !errors.Is(err, io.EOF) {
			n, err = f.ReadAt(b, 0)
		}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		f.Close() // nothing was written to it
		return err
	}
	c.file = f
	for at := int64(0); at < cursorSize; at += slotSize {
		if found, ok := decodeSlot(b[at:][:slotSize]); ok && found.gen > c.slot.gen {
			c.slot, c.at = found, at
		}
	}
	if n < cursorSize {
		// Both slots get their blocks now, so that acknowledging needs none.
		_, err = f.WriteAt(b[n:], int64(n))
		return err
	}
	return nil
}

// openToWrite sees to it that the cursor can be written.
func (s *Spool) openToWrite() error {
	c := &s.cursor
	switch {
	case c.file == nil:
		if err := s.forgetCursor(); err != nil {
			return err
		}
		return s.openCursor()
	case c.readOnly:
		f, err := s.disk.Open(cursorName, os.O_RDWR)
		if err != nil {
			return err
		}
		c.file.Close() // nothing was written to it
		c.file, c.readOnly = f, false
	}
	return nil
}

// saveCursor writes the present state into the slot that does not hold the last one.
func (s *Spool) saveCursor(closed bool) error {
	if err := s.openToWrite(); err != nil {
		return err
	}
	c := &s.cursor
	next := slot{closed: closed, gen: c.slot.gen + 1, head: s.head, next: s.next, known: s.known(), owner: s.owner}
	at := (c.at + slotSize) % cursorSize
	if _, err := c.file.WriteAt(next.encode(), at); err != nil {
		return err
	}
	c.slot, c.at = next, at
	return nil
}

func (s *Spool) syncCursor() error {
	if s.cursor.file == nil || s.sync == Never {
		return nil
	}
	return s.cursor.file.Sync()
}
