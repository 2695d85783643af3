//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package owndir

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// lock uses flock. The kernel releases the lock when the process ends in any way, and two open files of one
// process do not share it. It works on a read-only file system if the file exists.
func lock(root *os.Root, name string) (*os.File, error) {
	f, err := root.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if errors.Is(err, syscall.EROFS) {
		if existing, e := root.Open(name); e == nil {
			f, err = existing, nil
		}
	}
	if err != nil {
		return nil, err
	}
	for {
		err = flock(f)
		if err != syscall.EINTR {
			break
		}
	}
	switch err {
	case nil:
		return f, nil
	case syscall.EWOULDBLOCK:
		err = ErrLocked
	default:
		err = &fs.PathError{Op: "flock", Path: name, Err: err}
	}
	f.Close()
	return nil, err
}

func flock(f *os.File) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var locked error
	err = conn.Control(func(fd uintptr) {
		locked = syscall.Flock(int(fd), syscall.LOCK_EX|syscall.LOCK_NB)
	})
	if err != nil {
		return err
	}
	return locked
}
