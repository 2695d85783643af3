package osfile

import (
	"errors"
	"syscall"
)

const (
	errorNotEnoughMemory   = syscall.Errno(8)
	errorSharingViolation  = syscall.Errno(32)
	errorLockViolation     = syscall.Errno(33)
	errorHandleDiskFull    = syscall.Errno(39)
	errorDiskFull          = syscall.Errno(112)
	errorNoSystemResources = syscall.Errno(1450)
)

// DiskFull reports whether err means that the disk is full.
func DiskFull(err error) bool {
	return errors.Is(err, errorDiskFull) || errors.Is(err, errorHandleDiskFull)
}

// OutOfResources reports whether err means that the system lacks memory, or that another program (a virus
// scanner, a backup) uses the file.
func OutOfResources(err error) bool {
	return errors.Is(err, errorNotEnoughMemory) || errors.Is(err, errorNoSystemResources) ||
		errors.Is(err, errorSharingViolation) || errors.Is(err, errorLockViolation)
}
