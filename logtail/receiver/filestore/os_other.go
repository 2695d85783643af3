//go:build !unix

package filestore

import "os"

// appendFlag is not used, because a file that is opened with os.O_APPEND cannot be truncated on Windows.
const appendFlag = 0

// removed is not implemented on these systems.
func removed(*os.File) bool { return false }
