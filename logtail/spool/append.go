package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"slices"
	"time"
)

var (
	errTooLarge = errors.New("larger than the spool")
	errEmpty    = errors.New("the entry is empty")
	errNoRoom   = errors.New("no room: files of the spool cannot be removed")
	errNames    = errors.New("the names of the next segments are taken")
)

// Append implements [logtail.Buffer]. It returns when the entry is written to
// the operating system, with one write: it then survives the end of the process
// in any way, and a power cut as the [Sync] policy says.
//
// An entry is not taken if it is empty or larger than the whole spool, if the Spool
// is closed ([ErrClosed]), and if the disk fails. The Spool goes on after any error: the
// next Append tries again, at once after a full disk, and a minute later after three
// other failures in a row. Where the spool is full and the disk fails as well, the
// oldest entries can be gone, and counted, for an entry that is then not taken.
func (s *Spool) Append(entry []byte) error {
	if err := s.lock(); err != nil {
		return err
	}
	defer s.unlock()
	if err := s.append(entry); err != nil {
		return fmt.Errorf("spool: entry not taken: %w", err)
	}
	return nil
}

func (s *Spool) append(entry []byte) error {
	need := frameHeader + int64(len(entry))
	switch {
	case len(entry) == 0:
		return errEmpty
	case need > s.maxBytes-s.fixed || int64(len(entry)) > math.MaxUint32:
		return errTooLarge
	}
	if err := s.health.resting(); err != nil {
		return err
	}
	err := s.makeRoom(need)
	if err == nil && s.out == nil {
		err = s.create()
	}
	if err == nil {
		err = s.write(entry)
	}
	s.report(err)
	return err
}

// makeRoom sees to it that need bytes can be written without passing a bound.
func (s *Spool) makeRoom(need int64) error {
	if s.out != nil {
		g := s.segs[len(s.segs)-1]
		if g.n > 0 && g.size+need > s.segBytes {
			s.seal()
		}
	}
	if s.total+need > s.maxBytes {
		s.emptyTrash()
	}
	for s.total+need > s.maxBytes {
		if err := s.dropOldest(); err != nil {
			return err
		}
	}
	return nil
}

// dropOldest gives up the oldest segment. Its file goes first: if it stays, then
// nothing was gained, and nothing is dropped.
func (s *Spool) dropOldest() error {
	if len(s.segs) == 0 {
		return errNoRoom
	}
	if len(s.segs) == 1 {
		s.closeOut()
	}
	g := s.segs[0]
	if err := s.remove(g); err != nil {
		return err
	}
	n, b := s.heldIn(0)
	s.segs = slices.Delete(s.segs, 0, 1)
	s.total -= g.size
	s.head = max(s.head, g.end())
	s.settle()
	s.publish(n, b-int64(n)*frameHeader)
	s.saveCursor(false) // if this fails, the directory still tells where the entries begin
	return nil
}

// create begins a segment. What has its name already is not ours: the number is
// left out, and belongs to no entry.
func (s *Spool) create() error {
	if err := s.forgetCursor(); err != nil {
		return err
	}
	for range 16 {
		if s.next > maxSeq {
			break
		}
		f, err := s.disk.Open(segmentName(s.next), os.O_RDWR|os.O_CREATE|os.O_EXCL)
		if errors.Is(err, fs.ErrExist) {
			s.next++
			continue
		}
		if err != nil {
			return err
		}
		s.segs = append(s.segs, segment{first: s.next, gap: s.next - s.end()})
		s.out = f
		s.settle()
		return nil
	}
	return errNames
}

// write adds the frame of entry to the newest segment.
func (s *Spool) write(entry []byte) error {
	const keep = 256 << 10 // bytes of memory; larger entries are rare
	g := &s.segs[len(s.segs)-1]
	s.frame = appendFrame(s.frame[:0], s.next, entry)
	size := int64(len(s.frame))
	_, err := s.out.WriteAt(s.frame, g.size)
	if cap(s.frame) > keep {
		s.frame = nil
	}
	if err == nil && s.sync == Always {
		err = s.syncOut()
	}
	if err != nil {
		s.rollBack(size)
		return err
	}
	g.n++
	g.good += size
	g.size += size
	s.total += size
	s.next++
	s.publish(0, 0)
	s.syncLater()
	return nil
}

// rollBack takes back a frame that could not be written in full, and ends the
// segment. If it cannot be taken back, its number is burned: what is there of it
// must never pass for part of another entry.
func (s *Spool) rollBack(size int64) {
	g := &s.segs[len(s.segs)-1]
	burned := s.out.Truncate(g.size) != nil
	if burned {
		g.size += size // at most
		s.total += size
		s.next++
	}
	if g.n > 0 {
		s.seal()
	} else { // the name is needed again
		s.closeOut()
		s.discard(len(s.segs) - 1)
		s.settle()
	}
	if burned {
		s.saveCursor(false) // if this fails too, the next start counts the number as lost once more
	}
}

// seal ends the newest segment: the next entry begins a new one.
func (s *Spool) seal() {
	s.syncAtSeal()
	s.closeOut()
	s.settle()
}

// closeOut closes the segment being written.
func (s *Spool) closeOut() {
	if s.out == nil {
		return
	}
	// NFS tells some write errors only now. The entries may be gone then; Peek will
	// see, and count them.
	if err := s.out.Close(); err != nil {
		s.say("spool: closing a segment: %v", err)
	}
	s.out = nil
	s.syncer.forget()
}

// health decides when to leave a failing disk alone. It belongs to the holder of busy.
type health struct {
	failures int       // in a row
	err      error     // the last one
	until    time.Time // no writing before; zero: write
}

const (
	maxFailures = 3
	restTime    = time.Minute
)

// resting returns an error while the disk is left alone. A dying disk can take half
// a minute to fail, each time.
func (h *health) resting() error {
	if h.until.IsZero() || time.Now().After(h.until) {
		return nil
	}
	return fmt.Errorf("not tried, after: %w", h.err)
}

// report learns from an attempt to write. A full disk answers at once and may
// have room again at any time: it is tried with every entry.
func (s *Spool) report(err error) {
	h := &s.health
	switch {
	case err == nil && h.failures > 0:
		s.say("spool: writing works again, after %d failures", h.failures)
		s.health = health{}
	case err == nil:
	default:
		if h.failures++; h.failures == 1 {
			s.say("spool: entries are dropped: %v", err)
		}
		h.err, h.until = err, time.Time{}
		if h.failures >= maxFailures && !diskFull(err) {
			h.until = time.Now().Add(restTime)
		}
	}
}
