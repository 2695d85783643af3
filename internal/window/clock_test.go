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

func TestClockEndNotBeforeStart(t *testing.T) {
	c := Clock{start: time.Unix(0, 0)}
	start, end := c.closeAfter(-time.Second, time.Unix(10, 0))
	qt.Check(t, end, qt.Equals, start)
}
