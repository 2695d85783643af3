package owndir_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/owndir"
)

func openRoot(c *qt.C, dir string) *os.Root {
	c.Helper()
	root, err := os.OpenRoot(dir)
	c.Assert(err, qt.IsNil)
	c.Cleanup(func() { root.Close() })
	return root
}

func TestLockHasOneHolder(t *testing.T) {
	c := qt.New(t)
	dir := t.TempDir()
	first, second := openRoot(c, dir), openRoot(c, dir)
	for range 2 { // the file that stays does no harm
		held, err := owndir.Lock(first, "lock")
		c.Assert(err, qt.IsNil)
		_, err = owndir.Lock(second, "lock")
		c.Check(err, qt.Equals, owndir.ErrLocked)
		other, err := owndir.Lock(second, "other")
		c.Assert(err, qt.IsNil)
		c.Assert(owndir.Unlock(other), qt.IsNil)
		c.Assert(owndir.Unlock(held), qt.IsNil)
	}
}

func TestLockRefusesLink(t *testing.T) {
	c := qt.New(t)
	dir := t.TempDir()
	c.Assert(os.WriteFile(filepath.Join(dir, "file"), nil, 0o600), qt.IsNil)
	if err := os.Symlink("file", filepath.Join(dir, "lock")); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	_, err := owndir.Lock(openRoot(c, dir), "lock")
	c.Check(err, qt.ErrorMatches, ".*lock is not a regular file")
}

func TestSyncDirectories(t *testing.T) {
	c := qt.New(t)
	root := openRoot(c, t.TempDir())
	c.Assert(root.Mkdir("x", 0o700), qt.IsNil)
	c.Check(owndir.Sync(root, "."), qt.IsNil)
	c.Check(owndir.Sync(root, "x"), qt.IsNil)
	if runtime.GOOS != "windows" {
		c.Check(owndir.Sync(root, "y"), qt.ErrorIs, fs.ErrNotExist)
	}
}

// TestSyncUnsupportedByFileSystem checks that Sync succeeds if the file system cannot sync directories.
func TestSyncUnsupportedByFileSystem(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("procfs is such a one, on Linux")
	}
	c := qt.New(t)
	root := openRoot(c, "/proc/self")
	dir, err := root.Open("task")
	c.Assert(err, qt.IsNil)
	defer dir.Close()
	c.Assert(dir.Sync(), qt.ErrorMatches, ".*: invalid argument")
	c.Check(owndir.Sync(root, "task"), qt.IsNil)
}
