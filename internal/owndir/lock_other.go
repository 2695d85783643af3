//go:build !(darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd || windows)

package owndir

import (
	"errors"
	"fmt"
	"os"
)

// lock returns an error. POSIX locks do not separate two open files of one process, and a lock that outlives
// its process would have to be removed by a person.
func lock(*os.Root, string) (*os.File, error) {
	return nil, fmt.Errorf("no file lock on this system: %w", errors.ErrUnsupported)
}

func unlock(*os.File) error { return nil }
