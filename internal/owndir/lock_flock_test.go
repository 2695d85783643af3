//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package owndir_test

import (
	"syscall"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/owndir"
)

// TestUnlockSharedDescriptor: a child process has a copy of the descriptor of the lock from fork to exec.
func TestUnlockSharedDescriptor(t *testing.T) {
	c := qt.New(t)
	root := openRoot(c, t.TempDir())
	held, err := owndir.Lock(root, "lock")
	c.Assert(err, qt.IsNil)
	child, err := syscall.Dup(int(held.Fd()))
	c.Assert(err, qt.IsNil)
	c.Cleanup(func() { syscall.Close(child) })
	c.Assert(owndir.Unlock(held), qt.IsNil)

	held, err = owndir.Lock(root, "lock")
	c.Assert(err, qt.IsNil)
	c.Assert(owndir.Unlock(held), qt.IsNil)
}
