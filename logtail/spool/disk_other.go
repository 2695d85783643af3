//go:build !(darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd || windows)

package spool

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// lockFile fails: the locks of POSIX do not keep two openings in one process
// apart, and a lock that outlives its process would need a person to remove it.
func lockFile(*os.Root, string, string) (io.Closer, error) {
	return nil, fmt.Errorf("no file lock on this system: %w", errors.ErrUnsupported)
}

func syncDir(*os.Root) error { return nil }

// diskFull reports whether err says that there is no room on the disk.
func diskFull(error) bool { return false }
