package spool

import (
	"errors"
	"time"
)

// Sync decides when entries are synced to disk, and so what a power cut or a crash of the system may
// lose. Under every policy an entry survives the end of the process, including kill -9, once Append
// has returned nil.
type Sync uint8

const (
	// Interval checks every 5 seconds, and syncs a segment with entries older than that, and once
	// more when it is full (an eighth of MaxBytes, at most 1 MiB). A power cut loses at most
	// about the last 10 seconds. While uploads succeed, no entry becomes that old, and nothing is synced.
	Interval Sync = iota

	// Always syncs each entry before Append returns. A power cut loses nothing. It makes
	// Append of 1 KiB about 150 times slower on an SSD (BenchmarkAppend), more on a
	// spinning disk, and wears out flash memory.
	Always

	// Never leaves syncing to the operating system, which takes up to half a minute. On some
	// file systems a power cut may lose even older entries.
	Never
)

const syncInterval = 5 * time.Second

// syncer is the sync state of the segment being written. busy guards it.
type syncer struct {
	dirty bool        // the segment has frames that are not synced
	named bool        // its name is synced
	timer *time.Timer // armed while entries wait, or nil
	mark  uint64      // number after the last entry when the timer was armed
}

// reset prepares for a new segment. The timer keeps running.
func (y *syncer) reset() { y.dirty, y.named = false, false }

func (y *syncer) stop() {
	if y.timer != nil {
		y.timer.Stop()
		y.timer = nil
	}
}

// syncOut syncs the segment being written. After an error the caller ends the segment and never syncs
// it again, because the kernel may have dropped the pages and let the next sync succeed.
func (s *Spool) syncOut() error {
	s.syncer.dirty = false
	if err := s.out.Sync(); err != nil {
		return err
	}
	if s.syncer.named {
		return nil
	}
	err := s.disk.Sync()
	s.syncer.named = err == nil
	return err
}

// syncLater arms the timer after an entry was written.
func (s *Spool) syncLater() {
	if s.sync != Interval {
		return
	}
	s.syncer.dirty = true
	if s.syncer.timer == nil {
		s.syncer.mark = s.next
		s.syncer.timer = time.AfterFunc(syncInterval, s.tick)
	}
}

// tick syncs the entries that have been waiting since the timer was armed. Later entries get a timer
// of their own.
func (s *Spool) tick() {
	if s.lock() != nil {
		return
	}
	defer s.unlock()
	s.syncer.timer = nil
	switch {
	case s.out == nil || !s.syncer.dirty || s.head >= s.next:
	case s.head >= s.syncer.mark:
		s.syncLater()
	default:
		if err := s.syncOut(); err != nil {
			s.logLater("spool: entries may not survive a power cut: %v", err)
			s.closeOut()
			s.advance()
		}
	}
}

// syncAtSeal syncs a segment that is complete.
func (s *Spool) syncAtSeal() {
	if s.sync != Interval || !s.syncer.dirty || s.head >= s.next {
		return
	}
	if err := s.syncOut(); err != nil {
		s.logLater("spool: entries may not survive a power cut: %v", err)
	}
}

// syncAtEnd syncs everything, and marks the cursor as that of a Close.
func (s *Spool) syncAtEnd() error {
	var err error
	if s.out != nil && s.syncer.dirty && s.head < s.next {
		err = s.syncOut()
	}
	return errors.Join(err, s.saveCursor(true), s.syncCursor())
}
