package netlog

import "net/netip"

// plainAddr returns a as packets and lookups have it: IPv4 as IPv4, without a zone.
func plainAddr(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

// plain is plainAddr with a port.
func plain(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(plainAddr(a.Addr()), a.Port()) }

func withoutPort(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr(), 0) }

func withoutZone(a netip.AddrPort) netip.AddrPort {
	if a.Addr().Zone() == "" {
		return a
	}
	return netip.AddrPortFrom(a.Addr().WithZone(""), a.Port())
}
