package spool

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"slices"

	"github.com/go-netlog/netlog/internal/owndir"
)

// recover builds the queue from the files in the directory. It does not change segments, and only
// removes those without entries, so that a spool can be opened on a full or read-only disk.
func (s *Spool) recover() error {
	sizes, err := s.disk.List()
	if err != nil {
		return err
	}
	if err := s.openCursor(); err != nil {
		if isTransient(err) {
			return err
		}
		_, listed := sizes[cursorName]
		s.cursor.unread = listed && s.cursor.file == nil
		s.logLater("spool: what was delivered may be sent again: %v", err)
	}
	var firsts []uint64
	for name, size := range sizes {
		if first, ok := parseSegmentName(name); ok && size >= 0 {
			firsts = append(firsts, first)
		}
	}
	slices.Sort(firsts)
	if err := s.checkOwner(len(firsts)); err != nil {
		return err
	}
	s.fixed = cursorSize + int64(len(encodeOwner(s.owner)))
	s.total = s.fixed
	s.ledger = s.cursor.slot.ledger
	s.head = max(1, s.cursor.slot.head)
	if !s.cursor.slot.closed && len(firsts) > 0 {
		// A power cut can lose the last writes of the cursor but not the removals after
		// them. So entries missing before the oldest segment count as delivered, unless
		// the cursor is that of a Close.
		s.head = max(s.head, firsts[0])
	}
	var newest tail
	var unreadable int64
	for i, first := range firsts {
		limit := uint64(math.MaxUint64)
		if i+1 < len(firsts) {
			limit = firsts[i+1]
		}
		g := segment{first: first, size: sizes[segmentName(first)]}
		if newest, err = s.addSegment(g, limit); err != nil {
			return err
		}
		unreadable += newest.bytes
	}
	s.resume(newest, unreadable)
	return nil
}

// addSegment adds g to the queue if it contains entries that are not delivered or dropped. They end
// before limit, the first number of the next segment.
func (s *Spool) addSegment(g segment, limit uint64) (t tail, err error) {
	s.total += g.size
	if limit > s.head { // otherwise it has no entries of interest
		if t, err = s.examine(&g, limit-g.first); err != nil {
			return t, err
		}
	}
	if g.n == 0 || g.end() <= s.head {
		s.obsolete = append(s.obsolete, g)
		return t, nil
	}
	g.gap = g.first - min(s.end(), g.first)
	s.segs = append(s.segs, g)
	return t, nil
}

// resume continues after the last entry of the earlier process. Losses among the entries that were
// written after its last cursor can only be seen in newest. All other losses show in the numbers.
func (s *Spool) resume(newest tail, unreadable int64) {
	found := s.cursor.slot
	s.next = max(s.end(), found.next)
	lost := s.known()
	if last := newest.first + newest.lost; last > s.next && newest.lost > 0 {
		lost += last - max(s.next, newest.first)
	}
	lost -= min(lost, found.known)
	if newest.err != nil {
		s.logLater("spool: %d bytes cannot be read: %v", newest.bytes, newest.err)
		lost = max(lost, 1) // the number may be unknown
	}
	if newest.readable > 0 {
		s.next = max(s.next, newest.first+newest.numbers())
	}
	s.removeObsolete()
	s.advance()
	if !s.reportFound || s.ledger.report.seq < s.head {
		s.ledger.report = report{} // not written, dropped or damaged
	}
	if lost > 0 {
		s.logLater("spool: %d entries were lost to damage", lost)
		s.publish(losses{lost, uint64(unreadable)})
	}
	for s.total > s.maxBytes {
		if err := s.dropOldest(); err != nil {
			s.logLater("spool: larger than its bound: %v", err)
			break
		}
	}
	s.last = s.head - 1
	s.publish(losses{})
	if err := errors.Join(s.saveCursor(false), s.syncCursor()); err != nil {
		s.logLater("spool: what was delivered may be sent again: %v", err)
	}
}

// tail describes the part of a segment after the last readable entry.
type tail struct {
	first    uint64 // the number after the last readable entry
	readable uint64 // number of entries before it
	bytes    int64
	lost     uint64 // number of lost entries, as far as their lengths are intact
	err      error  // the error of the disk, if there was one
}

// numbers returns an upper bound of the numbers that the tail may have used. They are not used again,
// so that the tail cannot match other entries if it becomes readable later.
func (t tail) numbers() uint64 { return max(uint64(t.bytes)/minFrame, t.lost) }

// examine reads g up to its first bad frame, and sets its readable part of at most limit entries.
// Unreadable data is damage and not an error, unless the error is transient.
func (s *Spool) examine(g *segment, limit uint64) (t tail, err error) {
	for range readTries {
		g.n, g.good, t.lost = 0, 0, 0
		var f file
		if f, err = s.disk.Open(segmentName(g.first), os.O_RDONLY); err == nil {
			err = s.scan(f, g, limit, &t.lost)
			f.Close() // nothing was written to it
		}
		if err == nil || isTransient(err) || errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	if isTransient(err) {
		return t, err
	}
	t.first, t.readable, t.bytes, t.err = g.end(), g.n, g.size-g.good, err
	return t, nil
}

// scan reads the frames of g in constant memory. It records the offset of head, and counts complete
// frames after a bad one, since their lengths may be intact.
func (s *Spool) scan(f file, g *segment, limit uint64, lost *uint64) error {
	r := bufio.NewReaderSize(io.NewSectionReader(f, 0, g.size), 64<<10)
	for offset, intact := int64(0), true; ; {
		seq := g.end()
		size, sum, fits, err := readFrame(r, seq, g.size-offset)
		if err != nil || size == 0 {
			return err
		}
		intact = intact && fits && g.n < limit
		if intact {
			if seq == s.head {
				s.at = offset
			}
			if seq == s.ledger.report.seq && sum == s.ledger.report.sum {
				s.reportFound = true
			}
			g.n++
			g.good += size
		} else {
			*lost++
		}
		offset += size
	}
}

// readFrame reads a frame of at most limit bytes. The size is 0 if there is no frame. fits reports
// whether its checksum sum matches entry seq.
func readFrame(r *bufio.Reader, seq uint64, limit int64) (size int64, sum uint32, fits bool, err error) {
	var header [frameHeader]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return 0, 0, false, notEOF(err)
	}
	size, ok := frameLength(header[:], limit)
	if !ok {
		return 0, 0, false, nil
	}
	left := int(size - frameHeader)
	sum = frameSeed(seq, uint32(left))
	for left > 0 {
		b, err := r.Peek(min(left, r.Size()))
		if err != nil {
			return 0, 0, false, notEOF(err)
		}
		sum = castagnoli(sum, b)
		left -= len(b)
		r.Discard(len(b)) // cannot fail, since the bytes are buffered
	}
	return size, sum, sum == frameSum(header[:]), nil
}

func notEOF(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}

// isTransient reports whether err comes from the process or its permissions (such as too many
// open files), and not from the data, so that a later read may succeed.
func isTransient(err error) bool {
	if _, refused := errors.AsType[*owndir.RefusedError](err); refused {
		return true
	}
	e, ok := errors.AsType[interface {
		error
		Temporary() bool
	}](err)
	return ok && e.Temporary() || errors.Is(err, fs.ErrPermission) || outOfResources(err)
}
