//go:build linux || darwin || freebsd

package receiver

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// lockDir locks root for this process. The lock ends with the file, at the latest
// with the process.
func lockDir(root *os.Root) (*os.File, error) {
	file, err := root.OpenFile(".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("receiver: %w", err)
	}
	err = control(file, func(fd int) error { return syscall.Flock(fd, syscall.LOCK_EX|syscall.LOCK_NB) })
	if err == nil {
		return file, nil
	}
	file.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, ErrLocked
	}
	return nil, fmt.Errorf("receiver: lock: %w", err)
}

// freeBytes returns how much room the filesystem of file has for this user, and
// whether that is known.
func freeBytes(file *os.File) (int64, bool) {
	var st syscall.Statfs_t
	err := control(file, func(fd int) error { return syscall.Fstatfs(fd, &st) })
	return int64(st.Bavail) * int64(st.Bsize), err == nil
}

// removed reports whether file has no name any more.
func removed(file *os.File) bool {
	var st syscall.Stat_t
	err := control(file, func(fd int) error { return syscall.Fstat(fd, &st) })
	return err == nil && st.Nlink == 0
}

// control calls do with the descriptor of file.
func control(file *os.File, do func(fd int) error) error {
	conn, err := file.SyscallConn()
	if err != nil {
		return err
	}
	if e := conn.Control(func(fd uintptr) { err = do(int(fd)) }); e != nil {
		return e
	}
	return err
}
