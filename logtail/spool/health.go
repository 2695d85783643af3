package spool

import (
	"fmt"
	"time"

	"github.com/go-netlog/netlog/internal/osfile"
)

// health decides when to stop writing to a failing disk for a while. busy guards it.
type health struct {
	failures int       // consecutive failures
	err      error     // the last error
	until    time.Time // do not write before this time
	skipped  bool      // the last entry was refused without a write
}

const (
	maxFailures = 3
	pauseTime   = time.Minute
)

// paused returns an error while the disk must not be used. A dying disk may take half a minute for
// each failure.
func (h *health) paused() error {
	if h.until.IsZero() || time.Now().After(h.until) {
		return nil
	}
	return fmt.Errorf("not tried, after: %w", h.err)
}

// record records the result of a write. A full disk fails quickly and may have room at any time, so
// it is tried again for every entry.
func (s *Spool) record(err error) {
	h := &s.health
	switch {
	case err == nil && h.failures > 0:
		s.logLater("spool: writing works again, after %d failures", h.failures)
		s.health = health{}
	case err == nil:
	default:
		if h.failures++; h.failures == 1 {
			s.logLater("spool: entries are dropped: %v", err)
		}
		h.err, h.until = err, time.Time{}
		if h.failures >= maxFailures && !osfile.DiskFull(err) {
			h.until = time.Now().Add(pauseTime)
		}
	}
}
