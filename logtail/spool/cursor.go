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

// cursor is the file with the two slots. busy guards it.
type cursor struct {
	file     file // nil if it could not be opened, which is tried again when needed
	readOnly bool // file is open for reading only, and must be reopened before a write
	unread   bool // the file exists but could not be read
	slot     slot // the state that was read or written last; its generation is 0 if there was none
	at       int64
}

// removeUnreadCursor removes a cursor that could not be read. If it became readable later, it would mark
// new entries with the same numbers as delivered.
func (s *Spool) removeUnreadCursor() error {
	if !s.cursor.unread {
		return nil
	}
	if err := s.disk.Remove(cursorName); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	s.cursor.unread = false
	return nil
}

// openCursor opens and reads the cursor. Damage is not an error: a spool without a cursor sends its
// entries again.
func (s *Spool) openCursor() error {
	c := &s.cursor
	c.readOnly = false
	f, err := s.disk.Open(cursorName, os.O_RDWR|os.O_CREATE)
	if err != nil { // the file system may be read-only
		var again error
		if f, again = s.disk.Open(cursorName, os.O_RDONLY); again != nil {
			return err
		}
		c.readOnly = true
	}
	b := make([]byte, cursorSize)
	_, err = f.ReadAt(b, 0)
	for range readTries - 1 {
		if err != nil && !errors.Is(err, io.EOF) {
			_, err = f.ReadAt(b, 0)
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
	return nil
}

// openToWrite opens the cursor for writing, if it is not.
func (s *Spool) openToWrite() error {
	c := &s.cursor
	switch {
	case c.file == nil:
		if err := s.removeUnreadCursor(); err != nil {
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

// saveCursor writes the current state to the older slot.
func (s *Spool) saveCursor(closed bool) error {
	if s.taken != nil {
		return s.taken
	}
	if err := s.openToWrite(); err != nil {
		return err
	}
	c := &s.cursor
	next := slot{closed: closed, gen: c.slot.gen + 1, head: s.head, next: s.next, known: s.known(), owner: s.owner, ledger: s.ledger}
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
