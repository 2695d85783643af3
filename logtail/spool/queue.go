package spool

import (
	"errors"
	"io/fs"
	"os"
	"slices"

	"github.com/go-netlog/netlog/logtail"
)

// segment is a file of entries. It holds the numbers from first up to, but not including, end.
type segment struct {
	first uint64 // the number in its name
	n     uint64 // number of readable entries
	good  int64  // bytes of their frames
	size  int64  // bytes of the file, including unreadable ones after good
	gap   uint64 // numbers before first without a segment, all counted as lost
}

func (g segment) end() uint64 { return g.first + g.n }

// position is the position of an entry.
type position struct {
	seq uint64 // its number
	at  int64  // the offset of its frame in its segment
}

// queue describes the files of a Spool. The entries are only on disk, so that memory does not grow
// with them. busy guards all fields.
type queue struct {
	segs     []segment // oldest first
	obsolete []segment // no longer needed, but not removed yet
	fixed    int64     // bytes of the other files
	total    int64     // bytes of all files
	head     uint64    // number of the oldest entry, or next
	at       int64     // offset of its frame in segs[0]
	next     uint64    // number of the next entry
	last     uint64    // number of the newest entry that Peek has returned

	out          file // the segment being written, or nil
	in           file // the segment inFirst, open for reading, or nil
	inFirst      uint64
	readFailures int    // consecutive
	frame        []byte // memory for a frame being written
	batch        batch  // the last result of Peek
	cursor       cursor
	ledger       ledger
	reportFound  bool // Open has found the report of the ledger
}

// end returns the number after the last number of a segment.
func (q *queue) end() uint64 {
	if len(q.segs) == 0 {
		return q.head
	}
	return max(q.head, q.segs[len(q.segs)-1].end())
}

// known counts the numbers from head to next without an entry.
func (q *queue) known() uint64 {
	n := q.next - q.end()
	for _, g := range q.segs {
		if g.first > q.head {
			n += g.gap
		}
	}
	return n
}

// heldIn counts the entries of segs[i] that are not delivered or dropped.
func (q *queue) heldIn(i int) (entries uint64, bytes int64) {
	g := q.segs[i]
	if i > 0 || q.head <= g.first {
		return g.n, g.good
	}
	return g.end() - min(q.head, g.end()), g.good - q.at
}

func (q *queue) held() (entries uint64, bytes int64) {
	for i := range q.segs {
		n, b := q.heldIn(i)
		entries, bytes = entries+n, bytes+b
	}
	return entries, bytes
}

// advance removes the segments that are no longer needed, and moves head up to the oldest entry. The
// segment being written stays, even if it is empty.
func (s *Spool) advance() {
	for len(s.segs) > 0 && s.segs[0].end() <= s.head && (len(s.segs) > 1 || s.out == nil) {
		s.discard(0)
	}
	switch {
	case len(s.segs) == 0:
		s.head, s.at = s.next, 0
	case s.head <= s.segs[0].first:
		s.head, s.at = s.segs[0].first, 0
	}
}

// discard removes segs[i] from the queue, and its file now or later. As long as the cursor is that of
// a Close, the entries would count as missing.
func (s *Spool) discard(i int) {
	g := s.segs[i]
	s.segs = slices.Delete(s.segs, i, i+1)
	s.obsolete = append(s.obsolete, g)
	if g.n == 0 || !s.cursor.slot.closed {
		s.removeObsolete()
	}
}

// removeObsolete removes the segments that are no longer needed. If that fails, it is tried again when
// the room is needed.
func (s *Spool) removeObsolete() {
	s.obsolete = slices.DeleteFunc(s.obsolete, func(g segment) bool {
		if s.remove(g) != nil {
			return false
		}
		s.total -= g.size
		return true
	})
}

// remove closes and removes the file of g. Windows cannot remove an open file.
func (s *Spool) remove(g segment) error {
	if s.inFirst == g.first {
		s.closeReader()
	}
	err := s.disk.Remove(segmentName(g.first))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// reader returns the file of segs[i], open for reading.
func (s *Spool) reader(i int) (file, error) {
	g := s.segs[i]
	if s.out != nil && i == len(s.segs)-1 {
		return s.out, nil
	}
	if s.in != nil && s.inFirst == g.first {
		return s.in, nil
	}
	s.closeReader()
	f, err := s.disk.Open(segmentName(g.first), os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	s.in, s.inFirst = f, g.first
	return f, nil
}

func (s *Spool) closeReader() {
	if s.in != nil {
		s.in.Close() // nothing was written through it
		s.in = nil
	}
}

// Stats implements [logtail.Buffer]. Bytes is the size of the held entries, with 8 bytes each for
// their frames. The files may be larger, because delivered entries remain until their whole segment
// can be removed. MaxBytes bounds the files.
//
// The dropped entries are those that were the oldest in a full spool, and those that Open or Peek
// found missing or damaged, whose bytes are an estimate. Open resets the counters, and so does each
// Claim but the first. Entries that a power cut removed from the end of the newest segment cannot be
// counted.
func (s *Spool) Stats() logtail.BufferStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
}

// Claim implements [logtail.Claimer]. The Spool serves one Logger of its owner at a time.
func (s *Spool) Claim(owner logtail.PublicID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return ErrClosed
	case owner != s.owner:
		return logtail.ErrBufferOwner
	case s.claimed:
		return logtail.ErrBufferInUse
	}
	if s.served { // the previous Logger has reported the earlier losses
		s.stats.DroppedEntries, s.stats.DroppedBytes = 0, 0
	}
	s.claimed, s.served = true, true
	return nil
}

// Release implements [logtail.Claimer].
func (s *Spool) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.claimed = false
}

// publish adds losses to the ledger, and updates what Stats and Unreported return.
func (s *Spool) publish(lost losses) {
	s.ledger.lost.add(lost)
	entries, bytes := s.held()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.Entries, s.stats.Bytes = int(entries), bytes
	s.stats.DroppedEntries += lost.entries
	s.stats.DroppedBytes += lost.bytes
	s.unreported = s.ledger.unreported()
}
