package spool

import "fmt"

// Ack implements [logtail.Buffer]. It records the delivery in place, which needs no free block. If
// that fails, Ack returns an error. Peek still continues with the next entries, but after a
// restart the acknowledged ones may be sent again.
func (s *Spool) Ack(through uint64) error {
	if err := s.lock(); err != nil {
		return err
	}
	defer s.unlock()
	to := min(through, s.last) + 1
	if to <= s.head {
		// The entries were dropped since the Peek, but a report among them is delivered.
		if s.ledger.delivered(to) {
			s.saveLedger()
			s.publish(losses{})
		}
		return nil
	}
	to, at, err := s.find(to)
	if err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	s.ledger.delivered(to)
	s.head, s.at = to, at
	s.batch.trim(to)
	// Write the cursor first, or removed entries would count as missing.
	if err = s.saveCursor(false); err != nil {
		err = fmt.Errorf("spool: delivery not recorded: %w", err)
	}
	s.advance()
	s.publish(losses{})
	return err
}

// find returns the number and the offset of entry to, or of the first entry after it.
func (s *Spool) find(to uint64) (_ uint64, at int64, err error) {
	for i, g := range s.segs {
		switch {
		case to <= g.first:
			return g.first, 0, nil
		case to < g.end():
			return s.walk(i, to)
		case to == g.end() && i == len(s.segs)-1:
			return to, g.good, nil
		}
	}
	return s.next, 0, nil
}

// walk finds entry to of segs[i] by following the frames.
func (s *Spool) walk(i int, to uint64) (_ uint64, at int64, err error) {
	seq := s.segs[i].first
	if i == 0 {
		seq, at = s.head, s.at
	}
	for ; seq < to; seq++ {
		size, err := s.frameSize(i, seq, at)
		if isTransient(err) {
			return 0, 0, err
		}
		if err != nil { // nothing after it can be found
			s.cut(i, position{to, at}, err)
			return s.find(to)
		}
		at += size
	}
	return to, at, nil
}

// frameSize returns the size of the frame of entry seq at offset at.
func (s *Spool) frameSize(i int, seq uint64, at int64) (int64, error) {
	if entry, ok := s.batch.get(seq); ok {
		return frameHeader + int64(len(entry)), nil
	}
	f, err := s.reader(i)
	if err != nil {
		return 0, err
	}
	var header [frameHeader]byte
	if _, err := f.ReadAt(header[:], at); err != nil {
		return 0, err
	}
	size, ok := frameLength(header[:], s.segs[i].good-at)
	if !ok {
		return 0, errDamaged
	}
	return size, nil
}
