//go:build !unix

package secrettest

// ownFiles does nothing where there is no umask.
func ownFiles() {}
