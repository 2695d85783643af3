// Package pace decides when the windows of a node end.
package pace

import "time"

// EarlyPeriod is the least time between two windows that end early.
const EarlyPeriod = time.Second

// Pace ends a window every period, and early if something has changed. While the node is idle it
// sleeps: no window ends, and no timer runs, until Wake is called.
//
// Wake and EndEarly are safe for concurrent use, and never wait. The other methods are called by one
// goroutine.
type Pace struct {
	period  time.Duration
	woken   chan time.Time // holds the time of a Wake that Wait has not seen
	changed chan struct{}  // holds a token after EndEarly

	ticker    *time.Ticker
	early     *time.Timer
	lastEarly time.Time
	asleep    bool
}

// New returns a Pace for windows of the given period, which must be positive.
func New(period time.Duration) *Pace {
	return &Pace{period: period, woken: make(chan time.Time, 1), changed: make(chan struct{}, 1)}
}

// Start begins the first period.
func (p *Pace) Start() {
	p.ticker, p.early = time.NewTicker(p.period), time.NewTimer(0)
	p.early.Stop()
}

// Stop stops the timers.
func (p *Pace) Stop() {
	p.ticker.Stop()
	p.early.Stop()
}

// Wake ends the sleep. The next window begins now.
func (p *Pace) Wake() {
	select {
	case p.woken <- time.Now():
	default: // an earlier Wake counts
	}
}

// EndEarly ends the current window soon, also during sleep.
func (p *Pace) EndEarly() {
	select {
	case p.changed <- struct{}{}:
	default: // the last one has not been seen yet
	}
}

// Sleep begins a sleep. The caller's last extraction was empty. A Wake after that extraction ends
// the sleep at once.
func (p *Pace) Sleep() {
	p.ticker.Stop()
	p.asleep = true
}

// Wait returns at the end of the window, or at once when stop is closed. If the Pace was asleep, it
// returns the time at which the window began: that of the Wake, or else the current time. Otherwise
// began is zero.
//
// A window ends early, at most once in EarlyPeriod, after a call of EndEarly if wanted still returns
// true at that time.
func (p *Pace) Wait(stop <-chan struct{}, wanted func() bool) (began time.Time) {
	for {
		select {
		case <-stop:
			return p.endSleepEarly(began)
		case <-p.ticker.C:
			return began
		case at := <-p.woken:
			if p.asleep {
				p.endSleep()
				began = at
			}
		case <-p.changed:
			p.early.Reset(max(0, EarlyPeriod-time.Since(p.lastEarly)))
		case <-p.early.C:
			if wanted() {
				p.lastEarly = time.Now()
				return p.endSleepEarly(began)
			}
		}
	}
}

// endSleepEarly ends a sleep that no Wake has ended, and returns the time at which the window began.
func (p *Pace) endSleepEarly(began time.Time) time.Time {
	if !p.asleep {
		return began
	}
	p.endSleep()
	select {
	case at := <-p.woken:
		return at
	default:
		return time.Now()
	}
}

func (p *Pace) endSleep() {
	p.asleep = false
	p.ticker.Reset(p.period)
}
