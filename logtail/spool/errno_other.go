//go:build !unix && !windows

package spool

// diskFull reports whether err says that there is no room on the disk.
func diskFull(error) bool { return false }

// lacking reports whether err says that the system lacks memory.
func lacking(error) bool { return false }
