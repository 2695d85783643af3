package spool

import (
	"fmt"
	"time"
)

// health decides when to leave a failing disk alone. It belongs to the holder of busy.
type health struct {
	failures int       // in a row
	err      error     // the last one
	until    time.Time // no writing before; zero: write
}

const (
	maxFailures = 3
	restTime    = time.Minute
)

// resting returns an error while the disk is left alone. A dying disk can take half
// a minute to fail, each time.
func (h *health) resting() error {
	if h.until.IsZero() || time.Now().After(h.until) {
		return nil
	}
	return fmt.Errorf("not tried, after: %w", h.err)
}

// report learns from an attempt to write. A full disk answers at once and may
// have room again at any time: it is tried with every entry.
func (s *Spool) report(err error) {
	h := &s.health
	switch {
	case err == nil && h.failures > 0:
		s.say("spool: writing works again, after %d failures", h.failures)
		s.health = health{}
	case err == nil:
	default:
		if h.failures++; h.failures == 1 {
			s.say("spool: entries are dropped: %v", err)
		}
		h.err, h.until = err, time.Time{}
		if h.failures >= maxFailures && !diskFull(err) {
			h.until = time.Now().Add(restTime)
		}
	}
}
