//go:build !unix

package osfile

import "os"

// AppendFlag is not used, because a file that is opened with os.O_APPEND cannot be truncated on Windows.
const AppendFlag = 0

// Removed is not implemented on these systems.
func Removed(*os.File) bool { return false }
