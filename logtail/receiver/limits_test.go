package receiver

import (
	"reflect"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"
)

// TestNegativeLimitsAreTheDefaults, but for those that say what else they mean.
func TestNegativeLimitsAreTheDefaults(t *testing.T) {
	c := qt.New(t)
	var limits Limits
	for _, f := range reflect.ValueOf(&limits).Elem().Fields() {
		if f.CanInt() {
			f.SetInt(-1)
		}
	}
	want := Limits{QuotaBytes: -1, NewIDs: -1}.withDefaults()
	c.Check(limits.withDefaults(), qt.Equals, want)
}

// TestATinyQuotaIsNoneToGetAround: the wait for it is longer than a time.Duration can be.
func TestATinyQuotaIsNoneToGetAround(t *testing.T) {
	b := bucket{left: -1 << 40}
	qt.Check(t, b.wait(1) > 24*time.Hour, qt.IsTrue, qt.Commentf("%v", b.wait(1)))
}
