package filestore_test

import (
	"path/filepath"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/killtest"
	"github.com/go-netlog/netlog/logtail/receiver/filestore"
)

func TestOpenAfterCloseWhileForking(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		f, err := filestore.Open(dir, filestore.Options{})
		qt.Assert(t, err, qt.IsNil)
		killtest.Inherit(t, filepath.Join(dir, ".lock"))
		qt.Assert(t, f.Close(), qt.IsNil)
	}
}
