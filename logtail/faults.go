package logtail

import (
	"strconv"
	"strings"
	"time"
)

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
