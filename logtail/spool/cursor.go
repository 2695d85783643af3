package spool

import (
	"errors"
	"fmt"
	"io"
	"os"
)

const (
	lockName   = "lock"
	ownerName  = "owner"
	cursorName = "cursor"
)

// cursor is the file of the two slots. It belongs to the holder of busy.
type cursor struct {
	file file // nil: could not be opened; tried again when it is needed
	slot slot // the state found, or written last; generation 0: none
	at   int64
}

// openCursor opens the cursor and reads it. Damage is no error: a spool without
// a cursor sends again what it sent before.
func (s *Spool) openCursor() error {
	f, err := s.disk.Open(cursorName, os.O_RDWR|os.O_CREATE)
	if err != nil { // a read-only file system can still be read
		var again error
		if f, again = s.disk.Open(cursorName, os.O_RDONLY); again != nil {
			return err
		}
	}
	b := make([]byte, cursorSize)
	n, err := f.ReadAt(b, 0)
	for range maxFailures - 1 {
		if err != nil && !errors.Is(err, io.EOF) {
			n, err = f.ReadAt(b, 0)
		}
	}
	if n < cursorSize && errors.Is(err, io.EOF) {
		// Both slots get their blocks now, so that acknowledging needs none.
		_, err = f.WriteAt(b[n:], int64(n))
	}
	if err != nil {
		f.Close() // nothing was written to it
		return err
	}
	c := &s.cursor
	c.file = f
	for at := int64(0); at < cursorSize; at += slotSize {
		if found, ok := decodeSlot(b[at:][:slotSize]); ok && found.gen > c.slot.gen {
			c.slot, c.at = found, at
		}
	}
	return nil
}

// saveCursor writes the present state into the slot that does not hold the last one.
func (s *Spool) saveCursor(closed bool) error {
	c := &s.cursor
	if c.file == nil {
		if err := s.openCursor(); err != nil {
			return err
		}
	}
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

// checkOwner refuses the entries of another identity, and those of nobody known,
// and otherwise sees to it that the directory names its owner.
func (s *Spool) checkOwner(segments int) error {
	version, id, ok := s.readOwner()
	found := s.cursor.slot
	switch {
	case ok && version != ownerVersion:
		return fmt.Errorf("the directory has format %q, not %s", version, ownerVersion)
	case ok && id != s.owner, found.gen > 0 && found.owner != s.owner:
		return ErrOwner
	case ok:
		return nil
	case found.gen == 0 && segments > 0:
		return fmt.Errorf("%w: none is recorded", ErrOwner)
	}
	err := s.writeOwner()
	if err != nil && found.gen > 0 { // the cursor is enough to go on with
		s.say("spool: the owner was not written: %v", err)
		return nil
	}
	return err
}

func (s *Spool) readOwner() (version string, id [32]byte, ok bool) {
	f, err := s.disk.Open(ownerName, os.O_RDONLY)
	if err != nil {
		return "", id, false
	}
	defer f.Close()
	b := make([]byte, 2*len(encodeOwner(s.owner)))
	n, _ := f.ReadAt(b, 0)
	return decodeOwner(b[:n])
}

// writeOwner is the one write that is synced under every policy: entries without
// an owner would be lost.
func (s *Spool) writeOwner() error {
	f, err := s.disk.Open(ownerName, os.O_RDWR|os.O_CREATE)
	if err != nil {
		return err
	}
	line := encodeOwner(s.owner)
	_, err = f.WriteAt(line, 0)
	if err == nil {
		err = f.Truncate(int64(len(line)))
	}
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = s.disk.Sync()
	}
	return err
}
