package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
)

var errRemoved = errors.New("the file was removed")

// restore checks that the files in use are still in the directory, and creates them again if somebody has
// removed or replaced them or the whole directory. A write to a removed file succeeds but is lost. The
// entries of files that are still open are copied, and those of other removed files are dropped and
// counted.
//
// If another process has the directory now, the spool drops everything, writes nothing more, and returns
// an error from then on. A directory that was moved is still in use.
func (s *Spool) restore() error {
	if s.taken != nil || s.inPlace() {
		return s.taken
	}
	err := s.reopen()
	if s.taken != nil {
		return s.taken
	}
	sizes, unknown := s.disk.List()
	if unknown != nil && !errors.Is(unknown, fs.ErrNotExist) {
		return errors.Join(err, unknown)
	}
	if s.cursor.file != nil && !s.disk.Holds(cursorName, s.cursor.file) {
		s.cursor.file.Close() // it is gone
		s.cursor.file = nil
	}
	if _, ok := sizes[ownerName]; err == nil && !ok {
		err = s.writeOwner()
	}
	for i := len(s.segs) - 1; i >= 0; i-- {
		s.restoreSegment(i, sizes, err == nil)
	}
	s.saveLedger() // if this fails, the next write of the cursor includes it
	return err
}

// inPlace reports whether the lock, the cursor and the segment being written are in the directory.
func (s *Spool) inPlace() bool {
	return s.disk.Holds(lockName, nil) &&
		(s.cursor.file == nil || s.disk.Holds(cursorName, s.cursor.file)) &&
		(s.out == nil || s.disk.Holds(segmentName(s.segs[len(s.segs)-1].first), s.out))
}

// reopen opens and locks the directory again, if the lock was removed.
func (s *Spool) reopen() error {
	if s.disk.Holds(lockName, nil) {
		return nil
	}
	d, err := s.disk.Reopen()
	if err != nil {
		return err
	}
	err = d.Lock()
	if err == nil {
		err = s.checkStrangers(d)
	}
	if err != nil {
		d.Close()
		if errors.Is(err, ErrLocked) {
			s.giveUp(err)
		}
		return err
	}
	s.logLater("spool: the directory or its lock was removed, and is created again")
	s.disk.Close() // nothing was written to it
	s.disk = d
	return nil
}

// checkStrangers returns ErrLocked if d has a segment that does not belong to the queue.
func (s *Spool) checkStrangers(d disk) error {
	sizes, err := d.List()
	if err != nil {
		return err
	}
	for name := range sizes {
		first, ok := parseSegmentName(name)
		isOwn := func(g segment) bool { return g.first == first }
		if ok && !slices.ContainsFunc(s.segs, isOwn) && !slices.ContainsFunc(s.obsolete, isOwn) {
			return fmt.Errorf("%w: it has entries of another process (%s)", ErrLocked, name)
		}
	}
	return nil
}

// giveUp drops and counts everything, since another process uses the directory.
func (s *Spool) giveUp(err error) {
	s.taken = err
	s.logLater("spool: %v", err)
	s.syncer.stop()
	s.closeReader()
	s.closeOut()
	n, b := s.held()
	s.segs, s.obsolete, s.total = nil, nil, s.fixed
	s.head, s.at = s.next, 0
	s.publish(losses{n, uint64(b - int64(n)*frameHeader)})
}

// restoreSegment copies segs[i] if its file is missing but open, or else drops its entries.
func (s *Spool) restoreSegment(i int, sizes map[string]int64, writable bool) {
	g := s.segs[i]
	name := segmentName(g.first)
	var f file
	switch {
	case s.out != nil && i == len(s.segs)-1:
		f = s.out
	case s.in != nil && s.inFirst == g.first:
		f = s.in
	}
	if size, ok := sizes[name]; ok && size >= g.good && (f == nil || s.disk.Holds(name, f)) {
		return
	}
	if writable && f != nil && s.copySegment(i, f) == nil {
		return
	}
	p := position{g.first, 0}
	if i == 0 {
		p = position{s.head, s.at}
	}
	s.cut(i, p, errRemoved)
}

// copySegment writes the entries of segs[i], which f still has, to a new file.
func (s *Spool) copySegment(i int, f file) error {
	g := &s.segs[i]
	name := segmentName(g.first)
	b := make([]byte, g.good)
	if _, err := f.ReadAt(b, 0); err != nil {
		return err
	}
	if err := s.disk.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	to, err := s.disk.Open(name, os.O_RDWR|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return err
	}
	if _, err := to.WriteAt(b, 0); err != nil {
		return errors.Join(err, to.Close(), s.disk.Remove(name))
	}
	if f == s.out {
		s.out = to
		s.syncer.reset()
		s.syncLater()
	} else {
		s.in = to
	}
	s.total += g.good - g.size
	g.size = g.good
	return f.Close()
}
