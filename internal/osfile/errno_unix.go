//go:build unix

package osfile

import (
	"errors"
	"syscall"
)

// DiskFull reports whether err means that the disk is full.
func DiskFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// OutOfResources reports whether err means that the system lacks memory.
func OutOfResources(err error) bool { return errors.Is(err, syscall.ENOMEM) }
