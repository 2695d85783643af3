package serve

import "syscall"

const (
	errTaken  = syscall.Errno(10048) // WSAEADDRINUSE
	errUnread = syscall.Errno(232)   // ERROR_NO_DATA, what a write to a pipe returns that nobody reads
)
