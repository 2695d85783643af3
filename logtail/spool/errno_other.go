//go:build !unix && !windows

package spool

// diskFull reports whether err means that the disk is full.
func diskFull(error) bool { return false }

// lacking reports whether err means that the system lacks memory.
func lacking(error) bool { return false }
