package killtest

import (
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	qt "github.com/frankban/quicktest"
)

// Inherit copies the descriptors of an open file until the end of the test, as a child process does that is just
// being started.
func Inherit(t testing.TB, path string) {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	qt.Assert(t, err, qt.IsNil)
	found := false
	for _, e := range entries {
		if name, _ := os.Readlink(filepath.Join("/proc/self/fd", e.Name())); name != path {
			continue
		}
		fd, err := strconv.Atoi(e.Name())
		qt.Assert(t, err, qt.IsNil)
		child, err := syscall.Dup(fd)
		qt.Assert(t, err, qt.IsNil)
		t.Cleanup(func() { syscall.Close(child) })
		found = true
	}
	qt.Assert(t, found, qt.IsTrue, qt.Commentf("%s is not open", path))
}
