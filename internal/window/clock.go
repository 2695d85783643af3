package window

import "time"

// Clock sets the start and end of windows. Time is monotonic inside a window, so a
// window never ends before it starts. A step of the wall clock, or a suspend, appears
// between two windows.
type Clock struct {
	start  time.Time // of the current window; wall clock only
	opened time.Time // the same instant, with a monotonic reading
}

// NewClock returns a Clock whose first window starts at now.
func NewClock(now time.Time) Clock { return Clock{start: now.Round(0), opened: now} }

// maxDrift is the difference from the wall clock at which a window follows the wall clock again.
const maxDrift = time.Second

// Close ends the current window at now and returns its start and end, both inclusive. The
// next window starts one nanosecond later, or at the wall clock; see open.
func (c *Clock) Close(now time.Time) (start, end time.Time) {
	return c.closeAfter(now.Sub(c.opened), now)
}

// closeAfter is Close with the elapsed time as an argument.
func (c *Clock) closeAfter(elapsed time.Duration, now time.Time) (start, end time.Time) {
	start, end = c.start, c.start.Add(max(0, elapsed))
	c.open(end.Add(time.Nanosecond), now)
	return start, end
}

// Skip makes the current window start at now, by the wall clock, because nothing was counted
// before. The window does not start earlier than it would, except after a step of the clock.
func (c *Clock) Skip(now time.Time) {
	if !now.After(c.opened) {
		return
	}
	start := c.start
	if wall := now.Round(0); wall.After(start) {
		start = wall
	}
	c.open(start, now)
}

// open starts a window at start, or at the wall clock if that differs by more than maxDrift.
func (c *Clock) open(start, now time.Time) {
	c.start, c.opened = start, now
	if wall := now.Round(0); wall.Sub(start).Abs() > maxDrift {
		c.start = wall
	}
}
