package logtail

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// verdict is what an answer of the server means for what was sent.
type verdict uint8

const (
	accepted      verdict = iota // delivered
	unavailable                  // not now: the same again later, for ever
	tooLarge                     // in smaller pieces
	unacceptable                 // some entry in it is at fault: find out which
	uncompressed                 // the same again without compression
	misconfigured                // no fault of the data: keep it, and try slowly
)

const (
	backoffBase   = 2 * time.Second
	backoffCap    = 5 * time.Minute
	slowCap       = 15 * time.Minute // for what only a person can mend
	retryAfterMin = time.Second
	retryAfterCap = 5 * time.Minute // a broken header must not silence a node
	throttledFrom = 4               // the first backoff step after a 429 without Retry-After: at least 16 s
)

// judge says what the answer with this status means. compressed tells how the
// body was sent. Status 0 stands for no answer: a network error or a timeout.
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
	return misconfigured // any other 4xx, and 3xx: a redirect would lead the entries and the ID astray
}

// delay returns the pause after a failure. failures counts those before it
// since the last success, asked is what retryAfter returned, and random a
// number in [0, 1).
func delay(v verdict, status, failures int, asked time.Duration, random float64) time.Duration {
	if asked > 0 {
		d := min(max(asked, retryAfterMin), retryAfterCap)
		return d + time.Duration(random*float64(d)/10) // never earlier: "60" must not bring a herd at 60 s
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

// backoff returns 2 s x 2^n, at most limit, times a random share from one half
// to one: the herd is spread, and the floor of one second stays.
func backoff(n int, limit time.Duration, random float64) time.Duration {
	d := limit
	if n < 10 {
		d = min(backoffBase<<n, limit)
	}
	return d/2 + time.Duration(random*float64(d)/2)
}

// retryAfter returns how long the answer with header h asks to wait (RFC 9110,
// section 10.2.3), or 0 where it does not ask, or asks for nonsense.
//
// A date counts from the answer's own Date, for neither clock can be trusted to
// agree with the other. It is none without one, or when it is past.
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
	maxFaults = 16          // distinct messages told of one outage: a server may invent a new one each time
	calm      = time.Minute // without a fault before the next one is news
)

// faults decides what is worth a line in the log: each distinct fault once, and
// recovery once. A server that flaps makes two lines, not two a second.
type faults struct {
	told      map[string]bool // by faultKey, since the last time all was well for a while
	open      bool            // a fault was told, its end was not
	since     time.Time       // of the first fault in a row, or zero
	recovered time.Time       // when the last row of faults ended, or zero
}

// fault notes a fault, with the status of the answer or 0, and reports whether to
// tell it.
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

// faultKey tells faults apart. Of a text the digits do not count: each attempt has
// another local port, and an error about a certificate the time of day.
func faultKey(status int, text string) string {
	return strconv.Itoa(status) + strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' {
			return -1
		}
		return r
	}, text)
}

// success notes a success. It returns how long things were wrong, and whether to
// tell that they are well again.
func (f *faults) success(now time.Time) (time.Duration, bool) {
	if f.since.IsZero() {
		return 0, false
	}
	d := now.Sub(f.since)
	tell := f.open
	f.since, f.open, f.recovered = time.Time{}, false, now
	return d, tell
}

// note reports whether text is to be told, as something that is no outage.
func (f *faults) note(now time.Time, text string) bool {
	open, since := f.open, f.since
	tell := f.fault(now, 0, text)
	f.open, f.since = open, since
	return tell
}
