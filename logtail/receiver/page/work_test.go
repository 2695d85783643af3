package page

import (
	"runtime"
	"strings"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"
)

// TestAddNeverWaits checks that entries are left out, and counted, if they come too fast.
func TestAddNeverWaits(t *testing.T) {
	c := qt.New(t)
	p := New(Options{})
	defer p.Close()
	e := entry(1, 1, time.Now(), `"x":"`+strings.Repeat("x", 1<<20)+`"`)
	p.mu.Lock() // nothing is added up
	for range 40 {
		p.Add([][]byte{e})
	}
	p.mu.Unlock()
	c.Check(get(c, p, "").Notes.Skipped >= 40-16, qt.IsTrue) // one may be out of the queue
}

// TestRestAfterWork checks the share of the processors that the goroutine of a page takes.
func TestRestAfterWork(t *testing.T) {
	c := qt.New(t)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, procs := range []int{1, 2, 39, 40, 64} {
		runtime.GOMAXPROCS(procs)
		for _, work := range []time.Duration{time.Microsecond, maxWork, time.Second / 2} {
			all := float64(work+rest(work)) * float64(procs)
			c.Check(float64(work)/all <= 1.001/40, qt.IsTrue, qt.Commentf("%v of %v, %d processors", work, all, procs))
		}
	}
	runtime.GOMAXPROCS(1)
	c.Check(rest(time.Hour), qt.Equals, maxRest)
}
