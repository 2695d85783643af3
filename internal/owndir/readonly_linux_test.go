package owndir_test

import (
	"syscall"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/owndir"
)

// TestLockReadOnlyFileSystem checks that the error says why the file cannot be created, and
// that a file that exists can be locked.
func TestLockReadOnlyFileSystem(t *testing.T) {
	c := qt.New(t)
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k,mode=0700"); err != nil {
		t.Skipf("mounting a file system needs root: %v", err)
	}
	defer syscall.Unmount(dir, syscall.MNT_DETACH)
	root := openRoot(c, dir)
	held, err := owndir.Lock(root, "lock")
	c.Assert(err, qt.IsNil)
	c.Assert(owndir.Unlock(held), qt.IsNil)
	c.Assert(syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""), qt.IsNil)
	_, err = owndir.Lock(root, "other")
	c.Check(err, qt.ErrorIs, syscall.EROFS)
	held, err = owndir.Lock(root, "lock")
	c.Assert(err, qt.IsNil)
	c.Check(owndir.Unlock(held), qt.IsNil)
}
