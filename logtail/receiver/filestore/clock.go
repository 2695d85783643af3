package filestore

import (
	"bytes"
	"fmt"
	"sync"
	"time"
)

// The wall clock alone must not make the Store remove files: a clock that is set a year ahead, for half a
// minute, would remove everything. Files are removed for their age only while the clock is trusted:
//
//   - It has run for steadyFor since it was last set or the Store was opened, and an entry that was
//     stored in this time has a client_time within agreeWithin of it.
//   - Or it has run for aloneFor, so that a network without any right clock loses its old files too.
//
// A Store that is opened trusts the clock at once if an entry that was stored last agrees with it.
const (
	setBy       = 10 * time.Minute // a difference to the monotonic clock that counts as setting the clock
	steadyFor   = time.Hour
	agreeWithin = time.Hour
	aloneFor    = 7 * 24 * time.Hour
)

// reading is the state of both clocks.
type reading struct {
	wall time.Time     // in UTC, without a monotonic reading
	mono time.Duration // since any instant
}

// newClock returns a function that reads both clocks.
func newClock() func() reading {
	start := time.Now()
	return func() reading {
		now := time.Now()
		return reading{now.UTC().Round(0), now.Sub(start)}
	}
}

// today returns the day of the wall clock, as in the names of files.
func (r reading) today() string { return r.wall.Format(time.DateOnly) }

// trust decides whether the wall clock is trusted. Its methods are safe for concurrent use.
type trust struct {
	// mu guards the fields below.
	mu     sync.Mutex
	last   reading
	since  time.Duration // the monotonic time at which the clock was set or the Store was opened
	set    time.Duration // by how much the clock was set then; 0 if the Store was opened
	agreed bool          // an entry agreed with the clock since
}

// newTrust returns the trust of a Store that is opened.
func newTrust(now reading) *trust { return &trust{last: now, since: now.mono} }

// lookLocked compares the clocks.
func (t *trust) lookLocked(now reading) {
	set := now.wall.Sub(t.last.wall) - (now.mono - t.last.mono)
	if set.Abs() > setBy {
		t.since, t.set, t.agreed = now.mono, set, false
	}
	t.last = now
}

// entry compares the clock with the client_time of an entry that arrives.
func (t *trust) entry(now reading, entry []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lookLocked(now)
	t.agreed = t.agreed || agrees(now, entry)
}

// recall compares the clock with an entry that was stored before the Store was opened, and reports
// whether the two agree.
func (t *trust) recall(now reading, entry []byte) bool {
	ok := agrees(now, entry)
	if ok {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.since, t.agreed = now.mono-steadyFor, true
	}
	return ok
}

// doubt returns why the clock is not trusted, or "".
func (t *trust) doubt(now reading) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lookLocked(now)
	steady := now.mono - t.since
	switch {
	case steady >= aloneFor, t.agreed && steady >= steadyFor:
		return ""
	case t.set != 0:
		return fmt.Sprintf("it was set by %v", t.set.Round(time.Second))
	case !t.agreed:
		return "no entry of its time has arrived"
	}
	return "the server has just started"
}

// agrees reports whether the client_time of a stored entry is around now.
func agrees(now reading, entry []byte) bool {
	at, ok := clientTime(entry)
	return ok && now.wall.Sub(at).Abs() <= agreeWithin
}

// clientTime returns the client_time of a stored entry, which a Handler puts first.
func clientTime(entry []byte) (time.Time, bool) {
	rest, ok := bytes.CutPrefix(entry, []byte(`{"logtail":{"client_time":"`))
	text, _, found := bytes.Cut(rest, []byte(`"`))
	if !ok || !found {
		return time.Time{}, false
	}
	at, err := time.Parse(time.RFC3339Nano, string(text))
	return at, err == nil
}
