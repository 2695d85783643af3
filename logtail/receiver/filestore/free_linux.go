package filestore

import (
	"cmp"
	"os"
	"syscall"
)

// freeBytes returns the number of bytes that this user can still write to the filesystem of file, and
// whether it is known.
func freeBytes(file *os.File) (int64, bool) {
	var st syscall.Statfs_t
	err := control(file, func(fd int) error { return syscall.Fstatfs(fd, &st) })
	return available(&st), err == nil
}

// available returns the free space in bytes. On Linux the unit of Bavail is Frsize if it is set.
// Bsize may be the preferred size of transfers, as in FUSE.
func available(st *syscall.Statfs_t) int64 {
	return int64(st.Bavail) * cmp.Or(int64(st.Frsize), int64(st.Bsize))
}
