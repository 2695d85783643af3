//go:build !(linux || darwin || freebsd)

package osfile

import "os"

// Free is not implemented on these systems, so MinFreeBytes has no effect.
func Free(*os.File) (int64, bool) { return 0, false }
