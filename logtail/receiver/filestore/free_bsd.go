//go:build darwin || freebsd

package filestore

import (
	"os"
	"syscall"
)

// freeBytes returns the number of bytes that this user can still write to the filesystem of file, and
// whether it is known. On these systems Bsize is the unit of Bavail.
func freeBytes(file *os.File) (int64, bool) {
	var st syscall.Statfs_t
	err := control(file, func(fd int) error { return syscall.Fstatfs(fd, &st) })
	return int64(st.Bavail) * int64(st.Bsize), err == nil
}
