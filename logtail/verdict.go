package logtail

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// verdict is what an answer of the server means for the entries that were sent.
type verdict uint8

const (
	accepted      verdict = iota // delivered
	unavailable                  // retry later, forever
	tooLarge                     // retry in smaller pieces
	unacceptable                 // an entry is at fault: find out which
	uncompressed                 // retry without compression
	misconfigured                // the entries are not at fault: keep them, and retry slowly
)

const (
	backoffBase   = 2 * time.Second
	backoffCap    = 5 * time.Minute
	slowCap       = 15 * time.Minute // for faults that only a person can fix
	retryAfterMin = time.Second
	retryAfterCap = 5 * time.Minute // a broken header must not silence a node
	throttledFrom = 4               // the first backoff step after a 429 without Retry-After, at least 16 s
)

// judge returns the verdict for an answer with the given status. compressed says whether the
// body was compressed. Status 0 means no answer: a network error or a timeout.
func judge(status int, compressed bool) verdict {
	switch {
	case status >= 200 && status < 300:
		return accepted
	case status < 200 || status >= 500, status == 408, status == 429:
		return unavailable
	case status == 413:
		return tooLarge
	case status == 400, status == 422:
		return unacceptable
	case status == 415 && compressed:
		return uncompressed
	}
	return misconfigured // other 4xx, and 3xx: following a redirect would send the entries and the ID elsewhere
}

// delay returns the pause after a failure. failures is the number of earlier failures since the
// last success, asked the result of retryAfter, and random a number in [0, 1).
func delay(v verdict, status, failures int, asked time.Duration, random float64) time.Duration {
	if asked > 0 {
		d := min(max(asked, retryAfterMin), retryAfterCap)
		return d + time.Duration(random*float64(d)/10) // never earlier, and spread, or all nodes would return at once
	}
	limit := backoffCap
	switch {
	case v == misconfigured:
		limit = slowCap
	case status == 429:
		failures = max(failures, throttledFrom)
	}
	return backoff(failures, limit, random)
}

// backoff returns 2 s x 2^n, at most limit, times a random factor between one half and one. This
// spreads the requests of many nodes, and keeps at least one second.
func backoff(n int, limit time.Duration, random float64) time.Duration {
	d := limit
	if n < 10 {
		d = min(backoffBase<<n, limit)
	}
	return d/2 + time.Duration(random*float64(d)/2)
}

// retryAfter returns the time to wait from the Retry-After field of h (RFC 9110, section
// 10.2.3), or 0 if it is missing or invalid.
//
// A date is taken relative to the Date field of the same answer, since the clocks of both sides
// may differ. It is invalid if there is no Date field, or if it is not after it.
func retryAfter(h http.Header) time.Duration {
	v := h.Get("Retry-After")
	if s, err := strconv.ParseUint(v, 10, 64); err == nil {
		if s > math.MaxInt64/uint64(time.Second) {
			return 0 // would wrap around
		}
		return time.Duration(s) * time.Second
	}
	at, err := http.ParseTime(v)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return 0
	}
	return max(0, at.Sub(now))
}

const (
	maxFaults = 16          // messages logged per outage, since a server may send a new text each time
	calm      = time.Minute // without a fault, after which the same fault is logged again
)

// faults decides what to log: each distinct fault once, and recovery once. A server that fails
// and recovers all the time causes two lines, not two per second.
type faults struct {
	told      map[string]bool // the logged faults by faultKey, since the last calm
	open      bool            // a fault was logged, but not yet its end
	since     time.Time       // the first of the current faults, or zero
	recovered time.Time       // when the last faults ended, or zero
}

// fault records a fault, with the status of the answer or 0, and reports whether to log it.
func (f *faults) fault(now time.Time, status int, text string) bool {
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

// success records a success. It returns the duration of the outage, and whether to log the
// recovery.
func (f *faults) success(now time.Time) (time.Duration, bool) {
	if f.since.IsZero() {
		return 0, false
	}
	d := now.Sub(f.since)
	tell := f.open
	f.since, f.open, f.recovered = time.Time{}, false, now
	return d, tell
}

// note reports whether to log a text that does not belong to an outage.
func (f *faults) note(now time.Time, text string) bool {
	open, since := f.open, f.since
	tell := f.fault(now, 0, text)
	f.open, f.since = open, since
	return tell
}
