package filestore

import (
	"math"
	"reflect"
	"testing"

	qt "github.com/frankban/quicktest"
)

func TestOptionsNegativeMeansNone(t *testing.T) {
	var opts Options
	for _, f := range reflect.ValueOf(&opts).Elem().Fields() {
		if f.CanInt() {
			f.SetInt(-1)
		}
	}
	o := opts.withDefaults()
	qt.Check(t, []int64{int64(o.MaxAge), o.MaxBytes, o.MaxFileBytes, o.MinFreeBytes, int64(o.MaxCollections)},
		qt.DeepEquals, []int64{-1, -1, math.MaxInt64, -1, math.MaxInt})
	o = Options{MaxCollections: -1}.withDefaults()
	qt.Check(t, o.MaxFileBytes, qt.Equals, int64(DefaultMaxFileBytes))
}
