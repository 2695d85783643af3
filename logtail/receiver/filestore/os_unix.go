//go:build unix

package filestore

import (
	"os"
	"syscall"
)

// appendFlag makes each write go to the end of the file, wherever that is by then.
const appendFlag = os.O_APPEND

// removed reports whether file was removed from its directory.
func removed(file *os.File) bool {
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
