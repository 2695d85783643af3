//go:build !(linux || darwin || freebsd)

package filestore

import "os"

// freeBytes is not implemented on these systems, so MinFreeBytes has no effect.
func freeBytes(*os.File) (int64, bool) { return 0, false }
