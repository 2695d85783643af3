package logtail

import "time"

const (
	maxFaults = 16          // distinct messages told of one outage: a server may invent a new one each time
	calm      = time.Minute // without a fault before the next one is news
)

// faults decides what is worth a line in the log: each distinct fault once, and
// recovery once. A server that flaps makes two lines, not two a second.
type faults struct {
	told      map[string]bool // since the last time all was well for a while
	open      bool            // a fault was told, its end was not
	since     time.Time       // of the first fault in a row, or zero
	recovered time.Time       // when the last row of faults ended, or zero
}

// fault notes a fault and reports whether to tell it.
func (f *faults) fault(now time.Time, text string) bool {
	if f.since.IsZero() {
		f.since = now
	}
	if !f.recovered.IsZero() && now.Sub(f.recovered) >= calm {
		f.told, f.recovered = nil, time.Time{}
	}
	if f.told[text] || len(f.told) == maxFaults {
		return false
	}
	if f.told == nil {
		f.told = map[string]bool{}
	}
	f.told[text] = true
	f.open = true
	return true
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
	tell := f.fault(now, text)
	f.open, f.since = open, since
	return tell
}
