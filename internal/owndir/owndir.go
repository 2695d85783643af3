// Package owndir is what a package needs that has a directory to itself, beyond
// [os.Root]: it keeps other processes out, and makes names durable.
package owndir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

var (
	// ErrLocked says that someone else has the lock.
	ErrLocked = errors.New("the directory is in use")
	// ErrNoLocks says that this system has no lock that is of use here.
	ErrNoLocks = fmt.Errorf("no file lock on this system: %w", errors.ErrUnsupported)
)

// Lock keeps others out of root until the file that it returns is closed, at the
// latest until the process ends in whatever way. The lock is on the file called
// name in root, which stays. While someone else has it, in this process or another,
// the error is [ErrLocked]; it is [ErrNoLocks] where nobody ever can.
func Lock(root *os.Root, name string) (*os.File, error) {
	if err := Regular(root, name); err != nil {
		return nil, err
	}
	return lock(root, name)
}

// Sync makes the names in a directory of root durable, "." for those in root itself.
// It does nothing where the system, or the file system, has no such thing.
func Sync(root *os.Root, dir string) error { return syncDir(root, dir) }

// Regular refuses a name that is there and no regular file: opening a FIFO could
// wait for ever, and a link could lead to another file below root.
func Regular(root *os.Root, name string) error {
	info, err := root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", name)
	}
	return err
}
