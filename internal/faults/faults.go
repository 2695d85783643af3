// Package faults decides which faults are logged.
package faults

import (
	"strconv"
	"strings"
	"time"
)

const (
	maxFaults = 16          // messages logged per outage, since a server may send a new text each time
	calm      = time.Minute // without a fault, after which the same fault is logged again
)

// Faults decides what to log: each distinct fault once, and recovery once. A server that fails
// and recovers all the time causes two lines, not two per second. The zero value is ready to use.
// It is not safe for concurrent use.
type Faults struct {
	told      map[string]bool // the logged faults by faultKey, since the last calm
	open      bool            // a fault was logged, but not yet its end
	since     time.Time       // the first of the current faults, or zero
	recovered time.Time       // when the last faults ended, or zero
}

// Fault records a fault, with the status of the answer or 0, and reports whether to log it.
func (f *Faults) Fault(now time.Time, status int, text string) bool {
	if f.since.IsZero() {
		f.since = now
	}
	if !f.recovered.IsZero() && now.Sub(f.recovered) >= calm {
		f.told, f.recovered = nil, time.Time{}
	}
	key := faultKey(status, text)
	if f.told[key] || len(f.told) == maxFaults {
		return false
	}
	if f.told == nil {
		f.told = map[string]bool{}
	}
	f.told[key] = true
	f.open = true
	return true
}

// faultKey returns the identity of a fault. It ignores digits: each attempt has another local
// port, and an error about a certificate contains the time of day.
func faultKey(status int, text string) string {
	return strconv.Itoa(status) + strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' {
			return -1
		}
		return r
	}, text)
}

// Success records a success. It returns the duration of the outage, and whether to log the
// recovery.
func (f *Faults) Success(now time.Time) (time.Duration, bool) {
	if f.since.IsZero() {
		return 0, false
	}
	d := now.Sub(f.since)
	tell := f.open
	f.since, f.open, f.recovered = time.Time{}, false, now
	return d, tell
}

// Note reports whether to log a text that does not belong to an outage.
func (f *Faults) Note(now time.Time, text string) bool {
	open, since := f.open, f.since
	tell := f.Fault(now, 0, text)
	f.open, f.since = open, since
	return tell
}
