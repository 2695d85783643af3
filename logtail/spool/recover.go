package spool

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"slices"

	"github.com/go-netlog/netlog/internal/owndir"
)

// recover makes the queue from what the directory holds. It changes no segment,
// and only removes those that hold nothing any more, so that neither a full nor
// a read-only disk keeps a spool from being opened.
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
		s.say("spool: what was delivered may be sent again: %v", err)
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
	s.head = max(1, s.cursor.slot.head)
	if !s.cursor.slot.closed && len(firsts) > 0 {
		// A power cut can take the last writes of the cursor and leave the removals
		// that came after them. So what is missing below the oldest segment is taken
		// for delivered, but not after a Close.
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
		if newest, err = s.adopt(g, limit); err != nil {
			return err
		}
		unreadable += newest.bytes
	}
	s.resume(newest, unreadable)
	return nil
}

// adopt takes g into the queue, if it holds entries that are not done with.
// They end before limit, where the next segment begins.
func (s *Spool) adopt(g segment, limit uint64) (t tail, err error) {
	s.total += g.size
	if limit > s.head { // or else it is not worth reading
		if t, err = s.examine(&g, limit-g.first); err != nil {
			return t, err
		}
	}
	if g.n == 0 || g.end() <= s.head {
		s.trash = append(s.trash, g)
		return t, nil
	}
	g.gap = g.first - min(s.end(), g.first)
	s.segs = append(s.segs, g)
	return t, nil
}

// resume goes on where the process before ended. What it wrote after its last
// cursor, and what cannot be read of that, only newest tells; all other loss shows in the
// numbers.
func (s *Spool) resume(newest tail, unreadable int64) {
	found := s.cursor.slot
	s.next = max(s.end(), found.next)
	lost := s.known()
	if last := newest.first + newest.lost; last > s.next && newest.lost > 0 {
		lost += last - max(s.next, newest.first)
	}
	lost -= min(lost, found.known)
	if newest.err != nil {
		s.say("spool: %d bytes cannot be read: %v", newest.bytes, newest.err)
		lost = max(lost, 1) // nothing may tell how many
	}
	if newest.readable > 0 {
		s.next = max(s.next, newest.first+newest.numbers())
	}
	s.emptyTrash()
	s.settle()
	if lost > 0 {
		s.say("spool: %d entries were lost to damage", lost)
		s.publish(lost, unreadable)
	}
	for s.total > s.maxBytes {
		if err := s.dropOldest(); err != nil {
			s.say("spool: larger than its bound: %v", err)
			break
		}
	}
	s.last = s.head - 1
	s.publish(0, 0)
	if err := errors.Join(s.saveCursor(false), s.syncCursor()); err != nil {
		s.say("spool: what was delivered may be sent again: %v", err)
	}
}

// tail is what lies behind the last readable entry of a segment.
type tail struct {
	first    uint64 // the number after the last readable entry
	readable uint64 // entries before
	bytes    int64
	lost     uint64 // entries, as far as their lengths still lead from one to the next
	err      error  // why, where the disk did not read it
}

// numbers bounds how many numbers the tail may have used. None of them is given
// again: if it can be read one day after all, it must not fit in with other entries.
func (t tail) numbers() uint64 { return max(uint64(t.bytes)/minFrame, t.lost) }

// examine reads g to its first bad frame, and sets the readable part of it, of at
// most limit entries. What cannot be read is damage, and no error, unless the disk
// has nothing to do with that.
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

// scan walks the frames of g in constant memory. It notes where head is, and
// counts whole frames behind a bad one: the lengths may still be right.
func (s *Spool) scan(f file, g *segment, limit uint64, lost *uint64) error {
	r := bufio.NewReaderSize(io.NewSectionReader(f, 0, g.size), 64<<10)
	for offset, intact := int64(0), true; ; {
		seq := g.end()
		size, fits, err := readFrame(r, seq, g.size-offset)
		if err != nil || size == 0 {
			return err
		}
		intact = intact && fits && g.n < limit
		if intact {
			if seq == s.head {
				s.at = offset
			}
			g.n++
			g.good += size
		} else {
			*lost++
		}
		offset += size
	}
}

// readFrame reads one frame of at most limit bytes. The size is 0 where none can
// be; fits says that the checksum is that of entry seq.
func readFrame(r *bufio.Reader, seq uint64, limit int64) (size int64, fits bool, err error) {
	var header [frameHeader]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return 0, false, notEOF(err)
	}
	size, ok := frameLength(header[:], limit)
	if !ok {
		return 0, false, nil
	}
	left := int(size - frameHeader)
	sum := frameSeed(seq, uint32(left))
	for left > 0 {
		b, err := r.Peek(min(left, r.Size()))
		if err != nil {
			return 0, false, notEOF(err)
		}
		sum = castagnoli(sum, b)
		left -= len(b)
		r.Discard(len(b)) // cannot fail: they are there
	}
	return size, sum == binary.LittleEndian.Uint32(header[4:]), nil
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
	return ok && e.Temporary() || errors.Is(err, fs.ErrPermission) || lacking(err)
}
