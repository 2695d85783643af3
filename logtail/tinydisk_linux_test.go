package logtail_test

import (
	"syscall"
	"testing"

	qt "github.com/frankban/quicktest"
)

// tinyDisk mounts a file system of 64 KiB until the end of the test.
func tinyDisk(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=700,size=64k"); err != nil {
		t.Skipf("mounting a file system needs root: %v", err)
	}
	t.Cleanup(func() { qt.Check(t, syscall.Unmount(dir, 0), qt.IsNil) })
	return dir
}
