package receiver_test

import (
	"math"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail/receiver"
	"github.com/go-netlog/netlog/logtail/receiver/filestore"
)

// setNumbers sets all integer fields of a struct to n.
func setNumbers(v reflect.Value, n int64) {
	for _, f := range v.Fields() {
		if f.CanInt() {
			f.SetInt(n)
		}
	}
}

// TestLimitsAnyNumberWorks checks that a Handler and its Store work with extreme limits.
func TestLimitsAnyNumberWorks(t *testing.T) {
	for _, n := range []int64{math.MinInt64, -1, 0, 1000, math.MaxInt64} {
		c := qt.New(t)
		var h receiver.Handler
		var opts filestore.Options
		setNumbers(reflect.ValueOf(&h.Limits).Elem(), n)
		setNumbers(reflect.ValueOf(&opts).Elem(), n)
		opts.MinFreeBytes = -1
		f, err := filestore.Open(t.TempDir(), opts)
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
