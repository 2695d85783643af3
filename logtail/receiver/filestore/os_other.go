//go:build !unix

package filestore

import "os"

// removed is not implemented on these systems.
func removed(*os.File) bool { return false }
