package window

import (
	"testing"
	"time"

	qt "github.com/frankban/quicktest"
)

func TestClockMonotonic(t *testing.T) {
	began := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	const elapsed = 5 * time.Second
	for _, test := range []struct {
		name      string
		step      time.Duration // of the wall clock, inside the window
		nextStart time.Duration // of the next window, since began
	}{
		{"a steady clock: the next window begins a nanosecond later", 0, elapsed + 1},
		{"a small step is no gap", -time.Second / 2, elapsed + 1},
		{"an hour back shows between windows", -time.Hour, elapsed - time.Hour},
		{"ten years on show between windows", 87_600 * time.Hour, elapsed + 87_600*time.Hour},
		{"a suspend shows between windows", 8 * time.Hour, elapsed + 8*time.Hour},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := Clock{start: began}
			wall := began.Add(elapsed + test.step)
			start, end := c.closeAfter(elapsed, wall)
			qt.Check(t, start, qt.Equals, began)
			qt.Check(t, end, qt.Equals, began.Add(elapsed))
			next, _ := c.closeAfter(0, wall)
			qt.Check(t, next.Sub(began), qt.Equals, test.nextStart)
		})
	}
}

func TestClockSkip(t *testing.T) {
	began := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name  string
		idle  time.Duration // by the wall clock, which steps in some cases
		start time.Duration // of the window, since the end of the one before
	}{
		{"the window starts after the idle time", time.Hour, time.Hour},
		{"a suspend while idle", 8 * time.Hour, 8 * time.Hour},
		{"a nanosecond", 1, 1},
		{"a small step back", -time.Second / 2, 1},
		{"a step back", -time.Minute, -time.Minute},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := Clock{start: began}
			_, end := c.closeAfter(5*time.Second, began.Add(5*time.Second))
			wall := end.Add(test.idle)
			c.opened = wall.Add(-1) // by the monotonic clock, time goes on
			c.Skip(wall)
			start, next := c.closeAfter(time.Second, wall.Add(time.Second))
			qt.Check(t, start.Sub(end), qt.Equals, test.start)
			qt.Check(t, next.Sub(start), qt.Equals, time.Second)
		})
	}
}

// TestClockSkipBeforeStart: a packet comes between the extraction of a window and its end.
func TestClockSkipBeforeStart(t *testing.T) {
	now := time.Now()
	c := NewClock(now)
	_, end := c.Close(now.Add(time.Second))
	c.Skip(now.Add(time.Second))
	c.Skip(now.Add(time.Second / 2))
	start, next := c.Close(now.Add(3 * time.Second))
	qt.Check(t, start, qt.Equals, end.Add(1))
	qt.Check(t, next.Sub(start), qt.Equals, 2*time.Second)
}

func TestClockEndNotBeforeStart(t *testing.T) {
	c := Clock{start: time.Unix(0, 0)}
	start, end := c.closeAfter(-time.Second, time.Unix(10, 0))
	qt.Check(t, end, qt.Equals, start)
}
