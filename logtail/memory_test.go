package logtail_test

import (
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"
)

// What compression and large entries take is given back ten seconds after the
// last request.
func TestIdleLoggerReleasesMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		before := heap()
		l := startLogger(t, accept{}, nil)
		c.Check(heap()-before < 64<<10, qt.IsTrue, qt.Commentf("%d bytes before the first entry", heap()-before))
		for n := range 20 {
			writeSized(t, l, n, 200<<10)
		}
		c.Assert(l.Flush(t.Context()), qt.IsNil)
		busy := heap() - before
		time.Sleep(10 * time.Second)
		synctest.Wait()
		quiet := heap() - before
		c.Check(busy > 512<<10, qt.IsTrue, qt.Commentf("%d bytes while busy", busy))
		c.Check(quiet < 64<<10, qt.IsTrue, qt.Commentf("%d bytes when quiet", quiet))
		drain(t, l)
	})
}
