package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"slices"
)

var (
	errTooLarge = errors.New("larger than the spool")
	errEmpty    = errors.New("the entry is empty")
	errNoRoom   = errors.New("no room: files of the spool cannot be removed")
	errNames    = errors.New("the names of the next segments are taken")
)

// Append implements [logtail.Buffer]. It returns after writing the entry to the operating system,
// with one write call. The entry then survives any end of the process, and a power cut according to
// the [Sync] policy.
//
// Append fails if the entry is empty or larger than the whole spool, if the Spool is closed
// ([ErrClosed]), if another Spool has taken the directory ([ErrLocked]), or if the disk fails. The
// Spool can be used after any error: the next Append tries again immediately if the disk was full, and
// after a minute if three other failures happened in a row. If the spool is full and the disk fails as
// well, old entries may have been dropped, and counted, for an entry that is then refused.
func (s *Spool) Append(entry []byte) error { return s.appendEntry(entry, nil) }

// appendEntry appends an entry that reports the losses covers, if it is not nil.
func (s *Spool) appendEntry(entry []byte, covers *losses) error {
	if err := s.lock(); err != nil {
		return err
	}
	defer s.unlock()
	if err := s.append(entry, covers); err != nil {
		return fmt.Errorf("spool: entry refused: %w", err)
	}
	return nil
}

func (s *Spool) append(entry []byte, covers *losses) error {
	need := frameHeader + int64(len(entry))
	s.health.skipped = false
	switch {
	case len(entry) == 0:
		return errEmpty
	case need > s.maxBytes-s.fixed || int64(len(entry)) > math.MaxUint32:
		return errTooLarge
	}
	if err := s.health.paused(); err != nil {
		s.health.skipped = true
		return err
	}
	err := s.restore()
	if err == nil {
		err = s.makeRoom(need)
	}
	if err == nil && s.out == nil {
		err = s.create()
	}
	if err == nil {
		err = s.write(entry, covers)
	}
	s.record(err)
	return err
}

// makeRoom makes room for need bytes within the bounds.
func (s *Spool) makeRoom(need int64) error {
	if s.out != nil {
		g := s.segs[len(s.segs)-1]
		if g.n > 0 && g.size+need > s.segBytes {
			s.seal()
		}
	}
	if s.total+need > s.maxBytes {
		s.removeObsolete()
	}
	for s.total+need > s.maxBytes {
		if err := s.dropOldest(); err != nil {
			return err
		}
	}
	return nil
}

// dropOldest drops the oldest segment. It counts the entries in the cursor before it removes the file, or
// a kill in between would hide the loss. If the file cannot be removed, there is no room to gain, and
// the entries stay.
func (s *Spool) dropOldest() error {
	if len(s.segs) == 0 {
		return errNoRoom
	}
	if len(s.segs) == 1 {
		s.closeOut()
	}
	g, head, kept := s.segs[0], s.head, s.ledger
	n, b := s.heldIn(0)
	dropped := losses{n, uint64(b - int64(n)*frameHeader)}
	s.head = max(s.head, g.end())
	s.ledger.lost.add(dropped)
	s.saveLedger() // if this fails, the directory still shows the first entry
	s.ledger = kept
	if err := s.remove(g); err != nil {
		s.head = head
		s.saveLedger()
		return err
	}
	s.segs = slices.Delete(s.segs, 0, 1)
	s.total -= g.size
	s.advance()
	s.publish(dropped)
	return nil
}

// create begins a segment. If a file of that name exists, it is not ours, and create skips the
// number.
func (s *Spool) create() error {
	if err := s.removeUnreadCursor(); err != nil {
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
		s.advance()
		return nil
	}
	return errNames
}

// write appends the frame of entry to the newest segment. If the entry is a report, it is named in the
// ledger first.
func (s *Spool) write(entry []byte, covers *losses) error {
	const keep = 256 << 10 // bytes of memory; larger entries are rare
	g := &s.segs[len(s.segs)-1]
	s.frame = appendFrame(s.frame[:0], s.next, entry)
	size := int64(len(s.frame))
	if covers != nil {
		s.ledger.report = report{seq: s.next, sum: frameSum(s.frame), covers: *covers}
		if err := s.saveLedger(); err != nil {
			s.ledger.report = report{}
			return err
		}
	}
	_, err := s.out.WriteAt(s.frame, g.size)
	if cap(s.frame) > keep {
		s.frame = nil
	}
	if err == nil && s.sync == Always {
		err = s.syncOut()
	}
	if err != nil {
		s.ledger.forget(s.next, s.next+1)
		s.rollBack(size)
		return err
	}
	g.n++
	g.good += size
	g.size += size
	s.total += size
	s.next++
	s.publish(losses{})
	s.syncLater()
	return nil
}

// rollBack removes a frame that was written incompletely, and ends the segment. If it cannot remove
// the frame, it skips the number, so that the remains can never match another entry.
func (s *Spool) rollBack(size int64) {
	g := &s.segs[len(s.segs)-1]
	skipped := s.out.Truncate(g.size) != nil
	if skipped {
		g.size += size // an upper bound
		s.total += size
		s.next++
	}
	if g.n > 0 {
		s.seal()
	} else { // the next segment needs the name
		s.closeOut()
		s.discard(len(s.segs) - 1)
		s.advance()
	}
	if skipped {
		s.saveCursor(false) // if this fails too, the next Open counts the number as lost again
	}
}

// seal ends the newest segment. The next entry begins a new one.
func (s *Spool) seal() {
	s.syncAtSeal()
	s.closeOut()
	s.advance()
}

// closeOut closes the segment being written.
func (s *Spool) closeOut() {
	if s.out == nil {
		return
	}
	// NFS reports some write errors only now. If the entries are lost, Peek will notice and
	// count them.
	if err := s.out.Close(); err != nil {
		s.logLater("spool: closing a segment: %v", err)
	}
	s.out = nil
	s.syncer.reset()
}
