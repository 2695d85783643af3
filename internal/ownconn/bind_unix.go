//go:build unix

package ownconn

import "syscall"

// bindAnyPort binds a TCP socket, before it connects, to a free local port.
func bindAnyPort(fd uintptr, network string) (port uint16, ok bool) {
	var wildcard syscall.Sockaddr = new(syscall.SockaddrInet4)
	if network == "tcp6" {
		wildcard = new(syscall.SockaddrInet6)
	}
	if err := syscall.Bind(int(fd), wildcard); err != nil {
		return 0, false
	}
	bound, err := syscall.Getsockname(int(fd))
	if err != nil {
		return 0, false
	}
	switch bound := bound.(type) {
	case *syscall.SockaddrInet4:
		return uint16(bound.Port), true
	case *syscall.SockaddrInet6:
		return uint16(bound.Port), true
	}
	return 0, false
}
