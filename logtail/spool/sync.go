package spool

import (
	"errors"
	"time"
)

// Sync says when the entries are made durable with fsync, and so what a power
// cut, or a crash of the whole system, may take. Under each policy an entry survives
// the end of the process, kill -9 included, once Append has returned nil.
type Sync uint8

const (
	// Interval syncs a segment when it is full, and every 5 seconds while it holds
	// entries older than that: a power cut takes the last 5 seconds or so. While
	// uploads succeed, nothing is held that long, and nothing is ever synced. In an
	// outage it adds one sync for each segment, an eighth of MaxBytes or 1 MiB.
	Interval Sync = iota

	// Always syncs each entry before Append returns: a power cut takes nothing. It
	// makes Append of 1 KiB some 150 times slower on an SSD (BenchmarkAppend), more
	// on a disk that turns, and wears out flash.
	Always

	// Never leaves it to the operating system, which takes up to half a minute.
	// On some file systems a power cut can also take the entries before that.
	Never
)

const syncInterval = 5 * time.Second

// syncer is the state of the segment being written. It belongs to the holder of busy.
type syncer struct {
	dirty bool        // it holds frames that are not synced
	named bool        // its name is durable
	timer *time.Timer // armed while entries wait, or nil
	mark  uint64      // number after the last entry when the timer was armed
}

// forget begins with a new segment. The timer may go on: it is due for all of them.
func (y *syncer) forget() { y.dirty, y.named = false, false }

func (y *syncer) stop() {
	if y.timer != nil {
		y.timer.Stop()
		y.timer = nil
	}
}

// syncOut makes the segment being written durable. After an error the caller
// ends that segment and never syncs it again: the kernel may have thrown the pages away
// and would call the next attempt a success.
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

// tick syncs what has waited for an upload since the timer was armed. Entries that
// came later get a timer of their own.
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
			s.say("spool: entries may not survive a power cut: %v", err)
			s.closeOut()
			s.settle()
		}
	}
}

// syncAtSeal makes a segment durable that nothing will be added to.
func (s *Spool) syncAtSeal() {
	if s.sync != Interval || !s.syncer.dirty || s.head >= s.next {
		return
	}
	if err := s.syncOut(); err != nil {
		s.say("spool: entries may not survive a power cut: %v", err)
	}
}

// syncAtEnd makes all durable, and marks the cursor as that of a Close.
func (s *Spool) syncAtEnd() error {
	var err error
	if s.out != nil && s.syncer.dirty && s.head < s.next {
		err = s.syncOut()
	}
	return errors.Join(err, s.saveCursor(true), s.syncCursor())
}
