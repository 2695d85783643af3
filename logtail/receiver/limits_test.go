package receiver

import (
	"math"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"
)

// setNumbers sets all fields of a struct that are numbers.
func setNumbers(v reflect.Value, n int64) {
	for _, f := range v.Fields() {
		if f.CanInt() {
			f.SetInt(n)
		}
	}
}

// TestNegativeLimitsAreTheDefaults, but for those that say what else they mean.
func TestNegativeLimitsAreTheDefaults(t *testing.T) {
	c := qt.New(t)
	var limits Limits
	setNumbers(reflect.ValueOf(&limits).Elem(), -1)
	want := Limits{QuotaBytes: -1, NewIDs: -1}.withDefaults()
	c.Check(limits.withDefaults(), qt.Equals, want)

	var opts FileOptions
	setNumbers(reflect.ValueOf(&opts).Elem(), -1)
	got, unbounded := opts.withDefaults(), FileOptions{MaxAge: -1, MaxBytes: -1, MinFree: -1}.withDefaults()
	got.Logf, unbounded.Logf = nil, nil
	c.Check(reflect.DeepEqual(got, unbounded), qt.IsTrue, qt.Commentf("%+v", got))
}

// TestAnyLimitsTakeARequest: no number makes a Handler or its Files panic.
func TestAnyLimitsTakeARequest(t *testing.T) {
	for _, n := range []int64{math.MinInt64, -1, 0, 1000, math.MaxInt64} {
		c := qt.New(t)
		var h Handler
		var opts FileOptions
		setNumbers(reflect.ValueOf(&h.Limits).Elem(), n)
		setNumbers(reflect.ValueOf(&opts).Elem(), n)
		opts.MinFree = -1
		f, err := OpenFiles(t.TempDir(), opts)
		c.Assert(err, qt.IsNil)
		defer f.Close()
		h.Sink = f
		h.Limits.ReadTimeout, h.Limits.StoreTimeout = max(h.Limits.ReadTimeout, time.Minute), max(h.Limits.StoreTimeout, time.Minute)
		for range 2 {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest("POST", "/c/c/"+strings.Repeat("0", 63)+"1", strings.NewReader("{}")))
			c.Check(w.Code, qt.Equals, 200, qt.Commentf("all limits %d: %s", n, w.Body))
		}
	}
}

// TestATinyQuotaIsNoneToGetAround: the wait for it is longer than a time.Duration can be.
func TestATinyQuotaIsNoneToGetAround(t *testing.T) {
	b := bucket{left: -1 << 40}
	qt.Check(t, b.wait(1) > 24*time.Hour, qt.IsTrue, qt.Commentf("%v", b.wait(1)))
}
