// Package hosts says which machine a host or an address means.
package hosts

import (
	"net"
	"net/netip"
	"strings"
)

// IsLocal reports whether host always means this machine: whether it is localhost or a loopback address.
func IsLocal(host string) bool {
	addr, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && addr.Unmap().IsLoopback()
}

// IsLocalHeader is like IsLocal for the Host field of a request, which may have a port, and has brackets around an
// IPv6 address.
func IsLocalHeader(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return IsLocal(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"))
}

// Network returns the network of one machine from the address and port of a connection: the address itself, or for
// IPv6 its /64, since one machine can use any address in it. It returns the zero Addr if there is no address, as on a
// Unix socket.
func Network(remoteAddr string) netip.Addr {
	ap, err := netip.ParseAddrPort(remoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	addr := ap.Addr().Unmap().WithZone("")
	if addr.Is6() {
		return netip.PrefixFrom(addr, 64).Masked().Addr()
	}
	return addr
}
