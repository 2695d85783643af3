//go:build !windows

package main

import "syscall"

const (
	errTaken  = syscall.EADDRINUSE
	errUnread = syscall.EPIPE
)
