package flowtable

import "net/netip"

// ParsePrefix parses an address or a prefix that selects flows.
func ParsePrefix(s string) (netip.Prefix, bool) {
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()), true
	}
	p, err := netip.ParsePrefix(s)
	if err == nil && p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked(), err == nil
}

// Contains reports whether a result of ParsePrefix contains a, without its zone and as IPv4 if it is mapped.
func Contains(p netip.Prefix, a netip.Addr) bool { return p.Contains(a.Unmap().WithZone("")) }
