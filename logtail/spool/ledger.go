package spool

import "encoding/binary"

// ledger counts the entries that were lost and are not reported yet. It is part of each slot of the
// cursor, so that a kill cannot hide a loss.
//
// A report is an entry. The ledger names it before it is written, by its number and the checksum of its
// frame, so that a restart can find out whether it was written. When the report is delivered, the losses
// that it covers are removed in the same write as the entry. If it gets lost, they are still in lost.
type ledger struct {
	lost   losses // not in a delivered report
	report report // the report in the queue, or zero
}

// losses count entries and the sum of their lengths.
type losses struct{ entries, bytes uint64 }

func (l *losses) add(m losses) { l.entries, l.bytes = l.entries+m.entries, l.bytes+m.bytes }
func (l *losses) sub(m losses) { l.entries, l.bytes = l.entries-m.entries, l.bytes-m.bytes }

// report identifies an entry that reports losses.
type report struct {
	seq    uint64 // its number, or 0 if there is no report
	sum    uint32 // the checksum of its frame
	covers losses // what it reports, a part of ledger.lost
}

// unreported returns the losses to report. A report that is in the queue must leave it first.
func (l *ledger) unreported() losses {
	if l.report.seq > 0 {
		return losses{}
	}
	return l.lost
}

// delivered removes what the report covers, if all entries before number end are delivered. It returns
// false if that changes nothing.
func (l *ledger) delivered(end uint64) bool {
	if l.report.seq == 0 || l.report.seq >= end {
		return false
	}
	l.lost.sub(l.report.covers)
	l.report = report{}
	return true
}

// forget forgets the report if its number is from first up to, but not including, end. The entry is lost,
// so what it covers must be reported again.
func (l *ledger) forget(first, end uint64) {
	if first <= l.report.seq && l.report.seq < end {
		l.report = report{}
	}
}

func (l ledger) valid() bool {
	return l.report.covers.entries <= l.lost.entries && l.report.covers.bytes <= l.lost.bytes
}

func (l ledger) encode(b []byte) {
	binary.LittleEndian.PutUint64(b[0:], l.lost.entries)
	binary.LittleEndian.PutUint64(b[8:], l.lost.bytes)
	binary.LittleEndian.PutUint64(b[16:], l.report.seq)
	binary.LittleEndian.PutUint64(b[24:], l.report.covers.entries)
	binary.LittleEndian.PutUint64(b[32:], l.report.covers.bytes)
	binary.LittleEndian.PutUint32(b[40:], l.report.sum)
}

func decodeLedger(b []byte) ledger {
	return ledger{
		lost: losses{binary.LittleEndian.Uint64(b[0:]), binary.LittleEndian.Uint64(b[8:])},
		report: report{
			seq:    binary.LittleEndian.Uint64(b[16:]),
			covers: losses{binary.LittleEndian.Uint64(b[24:]), binary.LittleEndian.Uint64(b[32:])},
			sum:    binary.LittleEndian.Uint32(b[40:]),
		},
	}
}

// AddLosses implements [logtail.LossKeeper]. It writes the counts to the cursor, in place, which works
// on a full disk. While the Spool has paused because the disk fails, the counts are only in memory,
// for a minute at most.
func (s *Spool) AddLosses(entries, bytes uint64) {
	if s.lock() != nil {
		return
	}
	defer s.unlock()
	s.ledger.lost.add(losses{entries, bytes})
	s.publish(losses{})
	if !s.health.skipped {
		s.saveLedger()
	}
}

// saveLedger writes the ledger. If that fails, the next write of the cursor includes it.
func (s *Spool) saveLedger() error {
	err := s.saveCursor(false)
	if err == nil && s.sync == Always {
		err = s.syncCursor()
	}
	return err
}

// Unreported implements [logtail.LossKeeper].
func (s *Spool) Unreported() (entries, bytes uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.unreported.entries, s.unreported.bytes
}

// AppendReport implements [logtail.LossKeeper].
func (s *Spool) AppendReport(entry []byte, entries, bytes uint64) error {
	return s.appendEntry(entry, &losses{entries, bytes})
}
