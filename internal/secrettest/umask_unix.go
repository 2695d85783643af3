//go:build unix

package secrettest

import "syscall"

// ownFiles has the files and directories of tests written by nobody else, whatever
// the umask of whoever runs them: a spool and a receiver refuse those of a group.
func ownFiles() { syscall.Umask(0o022) }
