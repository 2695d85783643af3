//go:build !unix && !windows

package spool

// diskFull reports whether err means that the disk is full.
func diskFull(error) bool { return false }

// outOfResources reports whether err means that the system lacks memory.
func outOfResources(error) bool { return false }
