//go:build !windows

package serve

import (
	"syscall"
)

const (
	errTaken  = syscall.EADDRINUSE
	errUnread = syscall.EPIPE
)
