//go:build !unix

package owndir

import "io/fs"

// notOurs returns nil: on Windows, files inherit the rights of their directory.
func notOurs(fs.FileInfo) error { return nil }

// isOwn returns false, since there is no group that could write.
func isOwn(fs.FileInfo) bool { return false }
