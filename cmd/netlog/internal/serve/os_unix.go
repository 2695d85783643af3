//go:build unix

package serve

import (
	"math"
	"syscall"
)

const (
	errTaken  = syscall.EADDRINUSE
	errUnread = syscall.EPIPE
)

// openFiles returns how many file descriptors the process may have.
func openFiles() uint64 {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return math.MaxUint64
	}
	return uint64(limit.Cur)
}
