package logtail_test

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/racetest"
	"github.com/go-netlog/netlog/logtail"
)

func heap() int64 {
	runtime.GC()
	runtime.GC() // for what earlier tests left in pools and to finalizers
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestIdleLoggerReleasesMemory checks that the memory for compression and large entries is freed ten
// seconds after the last request.
func TestIdleLoggerReleasesMemory(t *testing.T) {
	t.Run("zstd", func(t *testing.T) { synctest.Test(t, func(t *testing.T) { checkReleased(t, logtail.Config{}) }) })
	t.Run("gzip", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { checkReleased(t, logtail.Config{Gzip: true}) })
	})
}

func checkReleased(t *testing.T, cfg logtail.Config) {
	c := qt.New(t)
	before := heap()
	l := start(t, discard, cfg)
	c.Check(heap()-before < 64<<10, qt.IsTrue, qt.Commentf("%d bytes before the first entry", heap()-before))
	l.writeSized(0, 20, 200<<10)
	c.Assert(l.Flush(t.Context()), qt.IsNil)
	busy := heap() - before
	time.Sleep(10 * time.Second)
	synctest.Wait()
	quiet := heap() - before
	c.Check(busy > 512<<10, qt.IsTrue, qt.Commentf("%d bytes while busy", busy))
	c.Check(quiet < 64<<10, qt.IsTrue, qt.Commentf("%d bytes when idle", quiet))
	l.drain()
}

// TestRequestAllocs counts the allocations of a request without its transport, including two
// for the entry and the answer. A window of ten thousand flows makes six requests.
func TestRequestAllocs(t *testing.T) {
	racetest.Skip(t) // it allocates
	for _, test := range []struct {
		name string
		size int // bytes of the entry
		most float64
	}{
		{"plain", 10, 15},
		{"compressed", 1000, 16},
		{"gzip", 1000, 17},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := start(t, discard, logtail.Config{Gzip: test.name == "gzip"})
				entry := make([]byte, test.size)
				n := testing.AllocsPerRun(200, func() {
					l.WriteObject(func(dst []byte) []byte {
						return append(append(append(dst, `"pad":"`...), entry...), '"')
					})
					synctest.Wait()
				})
				qt.Check(t, n <= test.most, qt.IsTrue, qt.Commentf("%v allocations", n))
				l.drain()
			})
		})
	}
}

// BenchmarkRequest sends one entry after another through a transport that costs nothing.
func BenchmarkRequest(b *testing.B) {
	l := start(b, discard, logtail.Config{})
	b.ReportAllocs()
	for b.Loop() {
		l.Write([]byte(`{"n":1}`))
		l.Flush(b.Context())
	}
	l.drain()
}
