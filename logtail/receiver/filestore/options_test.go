package filestore

import (
	"reflect"
	"testing"

	qt "github.com/frankban/quicktest"
)

func TestOptionsNegative(t *testing.T) {
	var opts Options
	for _, f := range reflect.ValueOf(&opts).Elem().Fields() {
		if f.CanInt() {
			f.SetInt(-1)
		}
	}
	got, unbounded := opts.withDefaults(), Options{MaxAge: -1, MaxBytes: -1, MinFree: -1}.withDefaults()
	got.Logf, unbounded.Logf = nil, nil
	qt.Check(t, reflect.DeepEqual(got, unbounded), qt.IsTrue, qt.Commentf("%+v", got))
}
