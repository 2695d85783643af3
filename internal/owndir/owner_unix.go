//go:build unix

package owndir

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// notOurs returns an error that names who else may write the file, or nil.
func notOurs(info fs.FileInfo) error {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	return whose(int(st.Uid), os.Geteuid(), info.Mode().Perm())
}

// isOwn reports whether the file belongs to the user of the process.
func isOwn(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Geteuid()
}

// whose is notOurs for a process of user self. Root is ignored, since it can write everywhere.
func whose(owner, self int, perm fs.FileMode) error {
	switch {
	case owner != self && owner != 0:
		return fmt.Errorf("belongs to user %d, and this process is of user %d", owner, self)
	case perm&0o002 != 0:
		return fmt.Errorf("can be written by everyone (%#o)", perm)
	case perm&0o020 != 0:
		return fmt.Errorf("can be written by its group (%#o)", perm)
	}
	return nil
}
