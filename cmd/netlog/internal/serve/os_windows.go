package serve

import (
	"math"
	"syscall"
)

const (
	errTaken  = syscall.Errno(10048) // WSAEADDRINUSE
	errUnread = syscall.Errno(232)   // ERROR_NO_DATA, returned by a write to a pipe that nobody reads
)

// openFiles returns how many handles the process may have, which the system does not limit.
func openFiles() uint64 { return math.MaxUint64 }
