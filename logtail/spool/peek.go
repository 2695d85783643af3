package spool

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
)

// batch is the last result of Peek.
type batch struct {
	limit   int      // bytes, the argument of Peek
	entries [][]byte // empty if there is no result
	numbers []uint64 // the numbers of the entries, in order, possibly with gaps
}

func (b *batch) add(number uint64, entry []byte) {
	b.numbers, b.entries = append(b.numbers, number), append(b.entries, entry)
}

// through returns the number of the last entry.
func (b *batch) through() uint64 { return b.numbers[len(b.numbers)-1] }

// trim removes entries that are delivered or dropped.
func (b *batch) trim(head uint64) {
	n, _ := slices.BinarySearch(b.numbers, head)
	b.numbers, b.entries = b.numbers[n:], b.entries[n:]
	if len(b.entries) == 0 {
		*b = batch{}
	}
}

// get returns the entry with this number, if b contains it.
func (b *batch) get(number uint64) (entry []byte, ok bool) {
	n, ok := slices.BinarySearch(b.numbers, number)
	if !ok {
		return nil, false
	}
	return b.entries[n], true
}

// readTries is the number of attempts to read before the data is given up.
const readTries = 3

var errDamaged = errors.New("damaged")

// Peek implements [logtail.Buffer]. With the same limit it returns the same entries until they are
// acknowledged or dropped. It allocates memory for the entries it reads, and 8 bytes for each.
//
// The token is the number of the last entry. Numbering continues after a restart, but only entries
// that Peek has returned since Open can be acknowledged.
//
// Entries that cannot be read are dropped and counted.
func (s *Spool) Peek(limit int) (entries [][]byte, through uint64, err error) {
	if err := s.lock(); err != nil {
		return nil, 0, err
	}
	defer s.unlock()
	s.restore() // if that fails, the entries that are gone are dropped
	b := &s.batch
	b.trim(s.head)
	if s.ledger.report.seq < s.head { // the report was dropped
		s.ledger.forget(1, s.head)
		s.publish(losses{})
	}
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

// fill reads the oldest entries into b. It fails only if it reads none.
func (s *Spool) fill(b *batch) error {
	left := b.limit
	for i := 0; i < len(s.segs); {
		p := position{s.segs[i].first, 0}
		if i == 0 {
			p = position{s.head, s.at}
		}
		full, err := s.read(i, &p, b, &left)
		switch {
		case err == nil && full:
			return nil
		case err == nil:
			i++
		case s.shouldRetry(err):
			if len(b.entries) > 0 {
				return nil
			}
			return err
		default:
			s.cut(i, p, err)
			if len(b.entries) > 0 {
				return nil
			}
			i = 0 // the segment that is the oldest now
		}
	}
	return nil
}

// shouldRetry reports whether the caller should try to read again: not if the data is gone, and only a
// few times if the disk cannot read it.
func (s *Spool) shouldRetry(err error) bool {
	if errors.Is(err, errDamaged) || errors.Is(err, io.EOF) || errors.Is(err, fs.ErrNotExist) {
		return false
	}
	if isTransient(err) {
		return true
	}
	s.readFailures++
	return s.readFailures < readTries
}

// read appends entries of segs[i] to b, from p on, until their lengths exceed *left.
func (s *Spool) read(i int, p *position, b *batch, left *int) (full bool, err error) {
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
		*p = position{p.seq + 1, p.at + size}
	}
	if err == nil {
		s.readFailures = 0
	}
	return full, err
}

// span reads the headers of the frames from at on, and returns the size of the frames that *left
// allows, but at least of one frame if first is set.
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

// cut drops the entries of segs[i] from p on.
func (s *Spool) cut(i int, p position, err error) {
	if i == len(s.segs)-1 {
		s.closeOut()
	}
	s.readFailures = 0
	g := &s.segs[i]
	lost := g.end() - p.seq
	bytes := g.good - p.at - int64(lost)*frameHeader
	s.logLater("spool: %d entries cannot be read: %v", lost, err)
	g.n, g.good = p.seq-g.first, p.at
	if i+1 < len(s.segs) {
		s.segs[i+1].gap += lost
	}
	s.ledger.forget(p.seq, p.seq+lost)
	s.advance()
	s.publish(losses{lost, uint64(max(bytes, 0))})
	s.saveLedger() // if this fails, the next Open counts them again
}
