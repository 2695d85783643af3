package filestore

import (
	"cmp"
	"os"
	"syscall"
)

// freeBytes returns how much room the filesystem of file has for this user, and
// whether that is known.
func freeBytes(file *os.File) (int64, bool) {
	var st syscall.Statfs_t
	err := control(file, func(fd int) error { return syscall.Fstatfs(fd, &st) })
	return available(&st), err == nil
}

// available is in bytes. Here Bsize is the size of transfers that the filesystem
// prefers, and Frsize, where it is told, the unit of Bavail; FUSE has both.
func available(st *syscall.Statfs_t) int64 {
	return int64(st.Bavail) * cmp.Or(int64(st.Frsize), int64(st.Bsize))
}
