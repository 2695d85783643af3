package logtail_test

import (
	"testing"
	"testing/synctest"

	qt "github.com/frankban/quicktest"
)

// TestRequestAllocs counts the allocations of a request without its transport, including two
// for the entry and the answer. A window of ten thousand flows makes six requests.
func TestRequestAllocs(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	for _, test := range []struct {
		name string
		size int // bytes of the entry
		most float64
	}{
		{"plain", 10, 15},
		{"compressed", 1000, 16},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := qt.New(t)
				l := startLogger(t, accept{}, nil)
				entry := make([]byte, test.size)
				n := testing.AllocsPerRun(200, func() {
					l.WriteObject(func(dst []byte) []byte {
						return append(append(append(dst, `"pad":"`...), entry...), '"')
					})
					synctest.Wait()
				})
				c.Check(n <= test.most, qt.IsTrue, qt.Commentf("%v allocations", n))
				drain(t, l)
			})
		})
	}
}

// BenchmarkRequest is one entry on its way through a transport that costs nothing.
func BenchmarkRequest(b *testing.B) {
	l := startLogger(b, accept{}, nil)
	b.ReportAllocs()
	for b.Loop() {
		l.Write([]byte(`{"n":1}`))
		l.Flush(b.Context())
	}
	drain(b, l)
}
