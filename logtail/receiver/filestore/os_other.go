//go:build !unix

package filestore

import "os"

// removed is not implemented on this system.
func removed(*os.File) bool { return false }
