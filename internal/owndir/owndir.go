// Package owndir is what a package needs that has a directory to itself, beyond
// [os.Root]: it keeps other processes and users out, and makes names durable.
package owndir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// ErrLocked says that someone else has the lock.
var ErrLocked = errors.New("the directory is in use")

// Lock keeps others out of root until the file that it returns is closed, at the
// latest until the process ends in whatever way. The lock is on the file called
// name in root, which stays. While someone else has it, in this process or another,
// the error is [ErrLocked]; it wraps [errors.ErrUnsupported] where nobody ever can.
func Lock(root *os.Root, name string) (*os.File, error) {
	// On Windows a file that someone else has locked cannot always be looked at: there
	// lock looks at what it has opened.
	if runtime.GOOS != "windows" {
		if err := CheckFile(root, name); err != nil {
			return nil, err
		}
	}
	return lock(root, name)
}

// Sync makes the names in a directory of root durable, "." for those in root itself.
// It does nothing where the system, or the file system, has no such thing.
func Sync(root *os.Root, dir string) error { return syncDir(root, dir) }

// CheckDir refuses a directory of root, "." for root itself, where others can put files
// under our names: one that belongs to another user than that of the process or root,
// that its group or everyone can write, or that a link leads to. What they may read is
// none of its business, and so are the directories above. Other systems than Unix have
// other rights, of which it knows nothing. The error is a [*RefusedError], or one of
// the file system.
func CheckDir(root *os.Root, name string) error {
	info, err := root.Lstat(name)
	if err != nil {
		return err
	}
	return refuse(root, name, info, info.IsDir(), "a directory")
}

// CheckFile refuses a file of root as CheckDir does a directory, and all but regular
// files: opening a FIFO could wait for ever, and a link could lead to another file
// below root. A name that is not there is fine.
func CheckFile(root *os.Root, name string) error {
	info, err := root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return refuse(root, name, info, info.Mode().IsRegular(), "a regular file")
}

// RefusedError says why a directory or file is refused: a person can mend that.
type RefusedError struct {
	Path string
	Err  error
}

// Error implements error.
func (e *RefusedError) Error() string { return e.Path + " " + e.Err.Error() }

// Unwrap returns e.Err.
func (e *RefusedError) Unwrap() error { return e.Err }

// refuse returns what is wrong with the name that info is of.
func refuse(root *os.Root, name string, info fs.FileInfo, isKind bool, kind string) error {
	err := notOurs(info)
	if !isKind {
		err = fmt.Errorf("is not %s", kind)
	}
	if err != nil {
		return &RefusedError{filepath.Join(root.Name(), name), err}
	}
	return nil
}
