//go:build unix

package spool

import (
	"errors"
	"syscall"
)

// diskFull reports whether err means that the disk is full.
func diskFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// outOfResources reports whether err means that the system lacks memory.
func outOfResources(err error) bool { return errors.Is(err, syscall.ENOMEM) }
