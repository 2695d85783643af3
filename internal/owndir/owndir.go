// Package owndir protects a directory that belongs to one process: it locks out other processes, checks
// the owners of files, and syncs names to disk.
package owndir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// ErrLocked is returned by Lock if the directory is locked.
var ErrLocked = errors.New("the directory is in use")

// Lock locks root until [Unlock] is called with the returned file, or the process ends in any way. The lock is on
// the file called name in root, which is not removed. The error is [ErrLocked] if this or another process has
// the lock. It wraps [errors.ErrUnsupported] on systems without file locks.
func Lock(root *os.Root, name string) (*os.File, error) {
	// On Windows a locked file cannot always be checked, so lock checks the open file
	// there.
	if runtime.GOOS != "windows" {
		if err := CheckFile(root, name); err != nil {
			return nil, err
		}
	}
	return lock(root, name)
}

// Unlock releases a lock and closes its file. Closing alone would keep the lock for as long as a child process that
// is just being started has the file open too.
func Unlock(f *os.File) error {
	return errors.Join(unlock(f), f.Close())
}

// Sync syncs the names in a directory of root to disk. The name of root itself is ".". It does nothing if the
// system or the file system does not support that.
func Sync(root *os.Root, dir string) error { return syncDir(root, dir) }

// CheckRoot returns an error if others can create files in root: if it belongs to another user than root and
// the user of the process, or if its group or everyone may write it. It checks neither who may read nor the
// directories above, and nothing on systems other than Unix. The error is a [*RefusedError], or an error of
// the file system.
//
// Kubernetes makes a volume writable for its group at each mount. So if root belongs to the user of the
// process and was locked before, with the same lock file, CheckRoot takes the right to write from the group
// instead of failing.
func CheckRoot(root *os.Root, lock string) error {
	const name = "."
	info, err := root.Lstat(name)
	if err != nil {
		return err
	}
	if mark, err := root.Lstat(lock); err == nil && mark.Mode().IsRegular() && isOwn(mark) {
		info = closeToGroup(root, name, info)
	}
	if err := notOurs(info); err != nil {
		return &RefusedError{filepath.Join(root.Name(), name), fmt.Errorf("%w; use a directory in it that does not exist yet", err)}
	}
	return nil
}

// CheckDir is like CheckRoot for a directory in root. It also refuses a link. If the directory belongs to the
// user of the process, CheckDir takes the right to write from its group.
func CheckDir(root *os.Root, name string) error {
	info, err := root.Lstat(name)
	if err != nil {
		return err
	}
	return refuse(root, name, info, info.IsDir(), "a directory")
}

// CheckFile checks a file of root like CheckDir. It also refuses anything but a regular file, since opening a
// FIFO could wait forever, and a link could lead to another file in root. A file that does not exist is not
// an error.
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

// closeToGroup takes the right to write a file from its group, if the file belongs to the user of the process
// and not everyone may write it. It returns the new info of the file.
func closeToGroup(root *os.Root, name string, info fs.FileInfo) fs.FileInfo {
	if !isOwn(info) || info.Mode()&0o022 != 0o020 {
		return info
	}
	if root.Chmod(name, info.Mode()&^0o020) != nil {
		return info
	}
	if changed, err := root.Lstat(name); err == nil {
		return changed
	}
	return info
}

// RefusedError is the error for a directory or file that others may write.
type RefusedError struct {
	Path string
	Err  error
}

// Error implements error.
func (e *RefusedError) Error() string { return e.Path + " " + e.Err.Error() }

// Unwrap returns e.Err.
func (e *RefusedError) Unwrap() error { return e.Err }

// refuse returns the error for the file name with the given info.
func refuse(root *os.Root, name string, info fs.FileInfo, isKind bool, kind string) error {
	if !isKind {
		return &RefusedError{filepath.Join(root.Name(), name), fmt.Errorf("is not %s", kind)}
	}
	if err := notOurs(closeToGroup(root, name, info)); err != nil {
		return &RefusedError{filepath.Join(root.Name(), name), err}
	}
	return nil
}
