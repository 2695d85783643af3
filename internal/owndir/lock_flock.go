//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package owndir

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// lock uses flock, which the kernel gives back when the process ends in whatever
// way, and which two openings in one process do not share. A read-only file
// system can be locked too, if the file is there.
func lock(root *os.Root, name string) (*os.File, error) {
	f, err := root.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if errors.Is(err, syscall.EROFS) {
		f, err = root.Open(name)
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
