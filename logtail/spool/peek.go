package spool

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
)

// batch is what Peek returned last.
type batch struct {
	limit   int      // bytes, the argument of Peek
	entries [][]byte // empty: none
	numbers []uint64 // of the entries, in order; some may be left out
}

func (b *batch) add(number uint64, entry []byte) {
	b.numbers, b.entries = append(b.numbers, number), append(b.entries, entry)
}

// through returns the number of the last entry.
func (b *batch) through() uint64 { return b.numbers[len(b.numbers)-1] }

// trim takes out what is done with.
func (b *batch) trim(head uint64) {
	n, _ := slices.BinarySearch(b.numbers, head)
	b.numbers, b.entries = b.numbers[n:], b.entries[n:]
	if len(b.entries) == 0 {
		*b = batch{}
	}
}

// get returns the entry of this number, if b has it.
func (b *batch) get(number uint64) (entry []byte, ok bool) {
	n, ok := slices.BinarySearch(b.numbers, number)
	if !ok {
		return nil, false
	}
	return b.entries[n], true
}

// readTries is how often a read that fails is tried before its data is given up.
const readTries = 3

var errDamaged = errors.New("damaged")

// Peek implements [logtail.Buffer]. The same limit gives the same entries until
// they are acknowledged or dropped. Each Peek that reads takes memory for the entries it
// returns, and for 8 bytes before each of them.
//
// The token is the number of the last entry. Numbers go on over restarts, but only
// what a Peek has returned since Open can be acknowledged.
//
// Entries that cannot be read any more are given up, and counted as dropped.
func (s *Spool) Peek(limit int) (entries [][]byte, through uint64, err error) {
	if err := s.lock(); err != nil {
		return nil, 0, err
	}
	defer s.unlock()
	b := &s.batch
	b.trim(s.head)
	if len(b.entries) == 0 || b.limit != limit {
		*b = batch{limit: limit}
		if err := s.fill(b); err != nil {
			return nil, 0, fmt.Errorf("spool: %w", err)
		}
	}
	if len(b.entries) == 0 {
		return nil, s.head - 1, nil
	}
	s.last = max(s.last, b.through())
	return b.entries, b.through(), nil
}

// fill reads the oldest entries into b. It fails only if it got none.
func (s *Spool) fill(b *batch) error {
	left := b.limit
	for i := 0; i < len(s.segs); {
		p := place{s.segs[i].first, 0}
		if i == 0 {
			p = place{s.head, s.at}
		}
		full, err := s.read(i, &p, b, &left)
		switch {
		case err == nil && full:
			return nil
		case err == nil:
			i++
		case s.mayPass(err):
			if len(b.entries) > 0 {
				return nil
			}
			return err
		default:
			s.cut(i, p, err)
			if len(b.entries) > 0 {
				return nil
			}
			i = 0 // what is the oldest now
		}
	}
	return nil
}

// mayPass reports whether reading is worth another try by the caller: not if the data
// is gone, and not for ever if the disk says that it cannot read it.
func (s *Spool) mayPass(err error) bool {
	if errors.Is(err, errDamaged) || errors.Is(err, io.EOF) || errors.Is(err, fs.ErrNotExist) {
		return false
	}
	if isTransient(err) {
		return true
	}
	s.unread++
	return s.unread < readTries
}

// read adds entries of segs[i] to b, from p on, until their lengths pass *left.
func (s *Spool) read(i int, p *place, b *batch, left *int) (full bool, err error) {
	f, err := s.reader(i)
	if err != nil {
		return false, err
	}
	frames, full, err := s.span(f, p.at, s.segs[i].good, len(b.entries) == 0, left)
	buf := make([]byte, frames)
	if len(buf) > 0 {
		if _, err := f.ReadAt(buf, p.at); err != nil {
			return false, err
		}
	}
	for len(buf) > 0 {
		size, ok := frameLength(buf, int64(len(buf)))
		if !ok {
			return false, errDamaged
		}
		entry, ok := openFrame(buf[:size:size], p.seq)
		if !ok {
			return false, errDamaged
		}
		b.add(p.seq, entry)
		buf = buf[size:]
		*p = place{p.seq + 1, p.at + size}
	}
	if err == nil {
		s.unread = 0
	}
	return full, err
}

// span returns the size of the frames from at on that *left allows for, at least
// of one if first is set, from their headers: so the memory for them is right.
func (s *Spool) span(f file, at, end int64, first bool, left *int) (n int64, full bool, err error) {
	header := make([]byte, frameHeader)
	for at+n < end {
		if _, err := f.ReadAt(header, at+n); err != nil {
			return n, false, err
		}
		size, ok := frameLength(header, end-at-n)
		if !ok {
			return n, false, errDamaged
		}
		if !first && size-frameHeader > int64(*left) {
			return n, true, nil
		}
		first = false
		*left -= int(size - frameHeader)
		n += size
	}
	return n, false, nil
}

// cut gives up the entries of segs[i] from p on.
func (s *Spool) cut(i int, p place, err error) {
	if i == len(s.segs)-1 {
		s.closeOut()
	}
	s.unread = 0
	g := &s.segs[i]
	lost := g.end() - p.seq
	bytes := g.good - p.at - int64(lost)*frameHeader
	s.say("spool: %d entries cannot be read: %v", lost, err)
	g.n, g.good = p.seq-g.first, p.at
	if i+1 < len(s.segs) {
		s.segs[i+1].gap += lost
	}
	s.settle()
	s.publish(lost, bytes)
	s.saveCursor(false) // if this fails, the next start counts them again
}
