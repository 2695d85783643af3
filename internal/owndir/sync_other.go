//go:build !unix

package owndir

import "os"

// syncDir does nothing: Windows cannot flush a directory, and NTFS keeps names in its
// journal.
func syncDir(*os.Root, string) error { return nil }
