package netlog

import "time"

// windowClock sets the start and end of windows. Time is monotonic inside a window, so a
// window never ends before it starts. A step of the wall clock, or a suspend, appears
// between two windows.
type windowClock struct {
	start  time.Time // of the current window; wall clock only
	opened time.Time // the same instant, with a monotonic reading
}

// maxDrift is the difference from the wall clock at which the next window follows the
// wall clock again.
const maxDrift = time.Second

// close ends the current window at now and returns its start and end, both inclusive. The
// next window starts one nanosecond later, or at the wall clock if that differs by more
// than maxDrift.
func (c *windowClock) close(now time.Time) (start, end time.Time) {
	return c.closeAfter(now.Sub(c.opened), now)
}

// closeAfter is close with the elapsed time as an argument.
func (c *windowClock) closeAfter(elapsed time.Duration, now time.Time) (start, end time.Time) {
	start, end = c.start, c.start.Add(max(0, elapsed))
	c.opened = now
	c.start = end.Add(time.Nanosecond)
	if wall := now.Round(0); wall.Sub(c.start).Abs() > maxDrift {
		c.start = wall
	}
	return start, end
}
