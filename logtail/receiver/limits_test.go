package receiver

import (
	"math"
	"reflect"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"
)

func TestLimitsNegativeMeansNone(t *testing.T) {
	c := qt.New(t)
	var limits Limits
	for _, v := range reflect.ValueOf(&limits).Elem().Fields() {
		v.SetInt(-1)
	}
	limits = limits.withDefaults()
	for f, v := range reflect.ValueOf(limits).Fields() {
		c.Check(v.Int() >= math.MaxInt, qt.IsTrue, qt.Commentf("%s: %d", f.Name, v.Int()))
	}
}

// TestBucketTinyRate checks a wait that is longer than a time.Duration can hold.
func TestBucketTinyRate(t *testing.T) {
	now := time.Now()
	b := bucket{rate: 1, left: -1 << 40, at: now}
	qt.Check(t, b.wait(now) > 24*time.Hour, qt.IsTrue, qt.Commentf("%v", b.wait(now)))
}

// TestBucketClockSet sets the clock, without a monotonic one, in both directions: a node waits no longer
// than before, and gets no more than the allowance of an hour.
func TestBucketClockSet(t *testing.T) {
	const rate = 3600
	for _, set := range []time.Duration{time.Minute, -time.Minute, 24 * time.Hour, -24 * time.Hour, 8760 * time.Hour, -8760 * time.Hour} {
		c := qt.New(t)
		now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
		b := newBucket(rate, now)
		b.left = -9
		c.Assert(b.wait(now), qt.Equals, 10*time.Second)
		now = now.Add(set)
		c.Check(b.wait(now) <= 10*time.Second, qt.IsTrue, qt.Commentf("set by %v", set))
		c.Check(b.wait(now.Add(10*time.Second)), qt.Equals, time.Duration(0), qt.Commentf("set by %v", set))
		c.Check(b.left <= rate, qt.IsTrue)
		now = now.Add(-set)
		b.wait(now)
		c.Check(b.left <= rate, qt.IsTrue)
	}
}
