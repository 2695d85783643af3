package filestore

import (
	"syscall"
	"testing"

	qt "github.com/frankban/quicktest"
)

// TestAvailableFragments checks that the unit is a fragment, as in statvfs(3), or a block if the
// filesystem reports no fragments.
func TestAvailableFragments(t *testing.T) {
	c := qt.New(t)
	c.Check(available(&syscall.Statfs_t{Bavail: 3, Bsize: 1 << 20, Frsize: 4096}), qt.Equals, int64(3*4096))
	c.Check(available(&syscall.Statfs_t{Bavail: 3, Bsize: 4096}), qt.Equals, int64(3*4096))
}
