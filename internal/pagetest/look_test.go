package pagetest

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"
)

// serveHour serves an hour of the traffic of a mesh, from files.
func serveHour(c *qt.C) (*served, *mesh) {
	c.Helper()
	m := newMesh()
	dir := c.TempDir()
	now := time.Now()
	c.Assert(m.write(filepath.Join(dir, "flows"), now.Add(-58*time.Minute), now), qt.IsNil)
	c.Assert(m.writeNames(filepath.Join(dir, "nodes")), qt.IsNil)
	return serve(c, filepath.Join(dir, "flows"), "-nodes", filepath.Join(dir, "nodes")), m
}

// TestLook keeps pictures of the page at several widths, in light and dark.
func TestLook(t *testing.T) {
	c := qt.New(t)
	needBrowser(c)
	s, m := serveHour(c)
	b := newBrowser(c, 1600, 1000)
	s.window(c, m, time.Now())
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int{1600, 1200, 800, 360} {
			b.scheme(scheme)
			b.size(width, 1000)
			b.open(s.page + "?range=1h")
			b.await(`document.querySelectorAll("#flows tbody tr").length > 10`)
			c.Check(eval[int](b, `document.documentElement.scrollWidth`) <= width, qt.IsTrue, qt.Commentf("no sideways scrolling at %d", width))
			b.shot(t, fmt.Sprintf("%s-%d", scheme, width))
			if width == 360 {
				b.do(`scrollTo(0, document.querySelector("#senders").offsetTop - 20)`)
				b.shot(t, fmt.Sprintf("%s-%d-below", scheme, width))
			}
		}
	}
}
