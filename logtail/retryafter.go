package logtail

import (
	"math"
	"net/http"
	"strconv"
	"time"
)

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
