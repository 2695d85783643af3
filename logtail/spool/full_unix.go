//go:build unix

package spool

import (
	"errors"
	"syscall"
)

// diskFull reports whether err says that there is no room on the disk.
func diskFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
