package filestore_test

import (
	"fmt"
	"testing"
	"testing/synctest"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail/receiver/filestore"
	"github.com/go-netlog/netlog/logtail/receiver/internal/storetest"
)

// TestManyCollectionsStayWithinMaxBytes: the files being written are not removed, so
// there must not be too much in them.
func TestManyCollectionsStayWithinMaxBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		const collections, size, most = 64, 250, 64 << 10
		f := storetest.Open(c, t.TempDir(), filestore.Options{MaxBytes: most, MaxCollections: collections})
		rng := storetest.NewNoise()
		for range 8 { // twice as much as there may be
			for n := range collections {
				storetest.Store(c, f, fmt.Sprint("x", n), rng.Line(size-1))
			}
			synctest.Wait()
			c.Check(f.Bytes() <= most+collections*size, qt.IsTrue, qt.Commentf("%d bytes", f.Bytes()))
		}
		c.Assert(f.Close(), qt.IsNil)
	})
}
