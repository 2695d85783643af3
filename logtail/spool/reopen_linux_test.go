package spool_test

import (
	"path/filepath"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/killtest"
	"github.com/go-netlog/netlog/logtail/spool"
)

func TestOpenAfterCloseWhileForking(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		s, err := spool.Open(dir, owner, spool.Options{})
		qt.Assert(t, err, qt.IsNil)
		killtest.Inherit(t, filepath.Join(dir, "lock"))
		qt.Assert(t, s.Close(), qt.IsNil)
	}
}
