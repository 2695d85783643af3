//go:build unix

// Package osfile asks the operating system about open files, and what its errors mean.
package osfile

import (
	"os"
	"syscall"
)

// AppendFlag makes each write go to the end of the file, wherever that is by then.
const AppendFlag = os.O_APPEND

// Removed reports whether file was removed from its directory.
func Removed(file *os.File) bool {
	var st syscall.Stat_t
	err := control(file, func(fd int) error { return syscall.Fstat(fd, &st) })
	return err == nil && st.Nlink == 0
}

// control calls do with the file descriptor of file.
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
