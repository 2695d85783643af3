package route

import (
	"sync/atomic"
	"time"
)

// latePeriod is how long a Change normally waits at most: twice the time between two windows that
// end early. If it waits longer, a callback or Device is slow.
const latePeriod = 2 * time.Second

// Pending holds the routes that apply from the end of the current window. The zero Pending is
// empty. It is safe for concurrent use.
type Pending struct{ change atomic.Pointer[Change] }

// Change is what waits in a Pending. A nil Change is none.
type Change struct {
	Table  *Table
	common *Table    // Table, restricted by all that waited before in this window
	since  time.Time // of the first change in this window
}

// Set replaces the routes that wait.
func (p *Pending) Set(t *Table, now time.Time) {
	for stored := false; !stored; {
		next, waiting := &Change{t, t, now}, p.change.Load()
		if waiting != nil {
			next.common, next.since = waiting.common.Restrict(t), waiting.since
		}
		stored = p.change.CompareAndSwap(waiting, next)
	}
}

// Take empties p, and returns what it held.
func (p *Pending) Take() *Change { return p.change.Swap(nil) }

// Get returns what waits in p.
func (p *Pending) Get() *Change { return p.change.Load() }

// Changes reports whether a window under the routes t must end for the routes that wait. If they
// mean the same as t, they are removed, so that the next change does not inherit their age.
func (p *Pending) Changes(t *Table, now time.Time) bool {
	c := p.change.Load()
	if c != nil && (!c.Table.Equal(t) || c.late(now) && !c.common.Equal(t)) {
		return true
	}
	p.change.CompareAndSwap(c, nil)
	return false
}

// After returns the routes of the next window, after one under t.
func (c *Change) After(t *Table) *Table {
	if c == nil {
		return t
	}
	return c.Table
}

// Restrict returns the routes for a window under t that ends now. If c has waited too long, an
// address that only t knows may belong to someone else by now, so the result knows only
// addresses that all routes since then know too.
func (c *Change) Restrict(t *Table, now time.Time) *Table {
	if !c.late(now) {
		return t
	}
	return t.Restrict(c.common)
}

func (c *Change) late(now time.Time) bool { return c != nil && now.Sub(c.since) > latePeriod }
