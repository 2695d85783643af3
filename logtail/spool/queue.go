package spool

import (
	"errors"
	"io/fs"
	"os"
	"slices"

	"github.com/go-netlog/netlog/logtail"
)

// segment is a file of entries: those numbered first to end, without end.
type segment struct {
	first uint64 // the name
	n     uint64 // entries that can be read
	good  int64  // bytes, of their frames
	size  int64  // bytes, of the file: good, and what cannot be read behind it
	gap   uint64 // numbers before first that belong to no segment, all counted
}

func (g segment) end() uint64 { return g.first + g.n }

// place is where an entry lies in its segment.
type place struct {
	seq uint64
	at  int64
}

// queue is what a Spool knows of its files. The entries are on disk only, so
// that memory does not grow with them. All of it belongs to the holder of busy.
type queue struct {
	segs  []segment // oldest first
	trash []segment // done with, but could not be removed yet
	fixed int64     // bytes, of the files that are no segments
	total int64     // bytes, of all files
	head  uint64    // number of the oldest entry held, or next
	at    int64     // where its frame begins, in segs[0]
	next  uint64    // number of the next entry
	last  uint64    // number of the newest entry that Peek has returned

	out     file // the newest segment, while entries are added to it, or nil
	in      file // the segment inFirst, opened for reading, or nil
	inFirst uint64
	unread  int    // failures to read in a row
	frame   []byte // being written; kept for its memory
	batch   batch  // what Peek returned
	cursor  cursor
}

// end returns the number after the last one that a segment has.
func (q *queue) end() uint64 {
	if len(q.segs) == 0 {
		return q.head
	}
	return max(q.head, q.segs[len(q.segs)-1].end())
}

// known counts the numbers from head to next that have no entry.
func (q *queue) known() uint64 {
	n := q.next - q.end()
	for _, g := range q.segs {
		if g.first > q.head {
			n += g.gap
		}
	}
	return n
}

// heldIn counts what is in segs[i] and not done with.
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

// settle removes the segments that are done with, and moves head up to the
// oldest entry. The segment being written stays, even with nothing left in it.
func (s *Spool) settle() {
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

// discard takes segs[i] out of the queue and removes its file, now or later: while the
// cursor of a Close still stands, what it says is held would be missed.
func (s *Spool) discard(i int) {
	g := s.segs[i]
	s.segs = slices.Delete(s.segs, i, i+1)
	s.trash = append(s.trash, g)
	if g.n == 0 || !s.cursor.slot.closed {
		s.emptyTrash()
	}
}

// emptyTrash removes what is done with. What stays is tried again when its room
// is needed.
func (s *Spool) emptyTrash() {
	s.trash = slices.DeleteFunc(s.trash, func(g segment) bool {
		if s.remove(g) != nil {
			return false
		}
		s.total -= g.size
		return true
	})
}

// remove removes the file of g, closed first: Windows keeps what is open.
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

// reader returns segs[i], open for reading.
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

// Stats implements [logtail.Buffer]. Bytes counts the held entries with 8 bytes
// each for their frames. The files can be larger, as they also hold delivered
// entries until their whole segment can go; MaxBytes bounds the files.
//
// Dropped counts begin anew with Open and with each Claim but the first: entries that
// were the oldest in a full spool, or that Open or Peek found missing or damaged;
// their bytes are an estimate then. What a power cut took from the end of the
// newest segment leaves no trace to be counted by.
func (s *Spool) Stats() logtail.BufferStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
}

// Claim implements [logtail.Claimer]: the Spool serves one Logger at a time, of
// its owner only.
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
	if s.served { // what was lost until then was told by the Logger before
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

// publish brings the counts that Stats returns up to date, with what was lost.
func (s *Spool) publish(lost uint64, lostBytes int64) {
	entries, bytes := s.held()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.Entries, s.stats.Bytes = int(entries), bytes
	s.stats.DroppedEntries += lost
	s.stats.DroppedBytes += uint64(max(lostBytes, 0))
}
