//go:build !unix

package netlog

// bindAnyPort leaves the choice of the port to the system, which on Windows
// wants to bind the socket itself: the connection is known once it is established.
func bindAnyPort(uintptr, string) (port uint16, ok bool) { return 0, false }
