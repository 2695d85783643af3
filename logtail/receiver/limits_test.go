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
