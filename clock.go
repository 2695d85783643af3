package netlog

import "time"

// windowClock draws the edges of windows. Inside a window time is monotonic, so
// that its end never lies before its start; a step of the wall clock, or a
// suspend, shows between two windows.
type windowClock struct {
	start  time.Time // of the current window, by the wall clock, without a monotonic reading
	opened time.Time // the same instant by the monotonic clock
}

// maxDrift is how far the end of a window may be from the wall clock before the
// next window follows the clock again.
const maxDrift = time.Second

// close ends the current window at now, and returns its edges, both inclusive.
// The next window begins one nanosecond later, or at the wall clock where that differs by
// more than maxDrift.
func (c *windowClock) close(now time.Time) (start, end time.Time) {
	return c.closeAfter(now.Sub(c.opened), now)
}

// closeAfter is close with the elapsed time worked out.
func (c *windowClock) closeAfter(elapsed time.Duration, now time.Time) (start, end time.Time) {
	start, end = c.start, c.start.Add(max(0, elapsed))
	c.opened = now
	c.start = end.Add(time.Nanosecond)
	if wall := now.Round(0); wall.Sub(c.start).Abs() > maxDrift {
		c.start = wall
	}
	return start, end
}
