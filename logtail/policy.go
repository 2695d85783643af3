package logtail

import "time"

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
