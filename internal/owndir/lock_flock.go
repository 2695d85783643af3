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
		if existing, e := root.Open(name); e == nil { // e does not say why it cannot be created
			f, err = existing, nil
		}
	}
	if err != nil {
		return nil, err
	}
	err = flock(f, syscall.LOCK_EX|syscall.LOCK_NB)
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

func unlock(f *os.File) error { return flock(f, syscall.LOCK_UN) }

// flock calls flock(2), again if a signal interrupts it.
func flock(f *os.File, how int) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	for {
		var result error
		if err := conn.Control(func(fd uintptr) { result = syscall.Flock(int(fd), how) }); err != nil {
			return err
		}
		if result != syscall.EINTR {
			return result
		}
	}
}
