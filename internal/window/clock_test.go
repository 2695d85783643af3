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
	const idle = time.Hour
	for _, test := range []struct {
		name  string
		idle  time.Duration
		step  time.Duration // of the wall clock, while idle
		start time.Duration // of the window, since the end of the one before
	}{
		{"the window starts after the idle time", idle, 0, idle},
		{"a small step is no gap", idle, time.Second / 2, idle},
		{"a suspend while idle", idle, 8 * time.Hour, idle + 8*time.Hour},
		{"a step back while idle", idle, -time.Minute, idle - time.Minute},
		{"not before the end of the window before", -time.Millisecond, 0, 1},
		{"no time at all", 0, 0, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := Clock{start: began}
			_, end := c.closeAfter(5*time.Second, began.Add(5*time.Second))
			wall := end.Add(test.idle + test.step)
			c.skipAfter(test.idle, wall)
			start, _ := c.closeAfter(time.Second, wall.Add(time.Second))
			qt.Check(t, start.Sub(end), qt.Equals, test.start)
		})
	}
}

func TestClockEndNotBeforeStart(t *testing.T) {
	c := Clock{start: time.Unix(0, 0)}
	start, end := c.closeAfter(-time.Second, time.Unix(10, 0))
	qt.Check(t, end, qt.Equals, start)
}
