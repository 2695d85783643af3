//go:build !unix

package owndir

import "os"

// syncDir does nothing: NTFS keeps names in its journal, and a directory cannot
// be flushed.
func syncDir(*os.Root, string) error { return nil }
