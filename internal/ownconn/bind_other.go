//go:build !unix

package ownconn

// bindAnyPort does nothing: on Windows the system binds the socket itself, so a connection
// is known once it is established.
func bindAnyPort(uintptr, string) (port uint16, ok bool) { return 0, false }
