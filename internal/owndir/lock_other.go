//go:build !(darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd || windows)

package owndir

import (
	"errors"
	"fmt"
	"os"
)

// lock fails: the locks of POSIX do not keep two openings in one process apart,
// and a lock that outlives its process would need a person to remove it.
func lock(*os.Root, string) (*os.File, error) {
	return nil, fmt.Errorf("no file lock on this system: %w", errors.ErrUnsupported)
}
