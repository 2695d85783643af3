//go:build !unix && !windows

package osfile

// DiskFull reports whether err means that the disk is full.
func DiskFull(error) bool { return false }

// OutOfResources reports whether err means that the system lacks memory.
func OutOfResources(error) bool { return false }
