package cli

import (
	"math"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"
)

// TestUnitsRoundTrip checks that values are parsed as they are printed.
func TestUnitsRoundTrip(t *testing.T) {
	for _, n := range []ByteSize{0, 1, 999, 1000, 1024, 1 << 20, 1e6, 500e6, 10 << 30, 1 << 40, 3e12, math.MaxInt64} {
		got, err := ParseSize(n.String())
		qt.Check(t, err, qt.IsNil)
		qt.Check(t, got, qt.Equals, n, qt.Commentf("%v", n))
	}
	for _, a := range []Age{0, Age(time.Hour), Age(12 * time.Hour), Age(Day), Age(36 * time.Hour), Age(30 * Day)} {
		got, err := ParseAge(a.String())
		qt.Check(t, err, qt.IsNil)
		qt.Check(t, got, qt.Equals, a, qt.Commentf("%v", a))
	}
	for in, want := range map[string]string{"10GiB": "10 GiB", "500MB": "500 MB", "1536MiB": "1536 MiB", "1000000": "1 MB"} {
		n, err := ParseSize(in)
		qt.Check(t, err, qt.IsNil)
		qt.Check(t, n.Words(), qt.Equals, want)
	}
	for in, want := range map[string]string{"30d": "30 days", "24h": "1 day", "36h": "36 hours", "1h": "1 hour"} {
		a, err := ParseAge(in)
		qt.Check(t, err, qt.IsNil)
		qt.Check(t, a.Words(), qt.Equals, want)
	}
}

func TestParseTime(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	for in, want := range map[string]time.Time{
		"7d": now.Add(-7 * Day), "12h": now.Add(-12 * time.Hour), "1h30m": now.Add(-90 * time.Minute), "0": now,
		"2026-11-22T09:00:00Z": now.Add(-time.Hour),
	} {
		got, err := ParseTime(in, now)
		qt.Check(t, err, qt.IsNil)
		qt.Check(t, got.Equal(want), qt.IsTrue, qt.Commentf("%s: %v", in, got))
	}
	for _, in := range []string{"-1h", "-3d", "x", "", "7"} {
		_, err := ParseTime(in, now)
		qt.Check(t, err, qt.IsNotNil, qt.Commentf("%s", in))
	}
}
