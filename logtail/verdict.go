package logtail

import (
	"math"
	"net/http"
	"strconv"
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
