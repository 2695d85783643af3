package route

import (
	"cmp"
	"net/netip"
	"slices"
)

// layout holds the prefixes of one family as the edges at which they begin and end.
type layout struct {
	family family
	edges  []edge // sorted by at
}

type edge struct {
	at    uint128
	label label
	step  int8 // +1 where a prefix begins, -1 after its last address
}

// layOut returns the layout of the prefixes of family f in cfg.
func layOut(cfg *Config, f family) *layout {
	var all []labeled
	add := func(prefixes []netip.Prefix, l label, keep func(netip.Prefix) bool) {
		for _, p := range prefixes {
			if p = canonical(p); p.IsValid() && p.Addr().BitLen() == int(f) && (keep == nil || keep(p)) {
				all = append(all, labeled{p, l})
			}
		}
	}
	add(cfg.Routes, labelRoute, nil)
	add(cfg.SubnetRoutes, labelRoute, nil)
	for _, p := range cfg.LocalAddrs {
		if a := p.Addr().Unmap(); p.IsValid() && a.BitLen() == int(f) {
			all = append(all, labeled{netip.PrefixFrom(a, int(f)), labelOwn})
		}
	}
	if cfg.VirtualPrefixes != nil {
		add(cfg.VirtualPrefixes, labelNode, nil)
	} else {
		add(cfg.LocalAddrs, labelOwnNet, nil)
		add(cfg.Routes, labelNode, netip.Prefix.IsSingleIP)
		all = append(all, f.defaultNodes()...)
	}
	all = append(all, f.fixed()...)

	// Remove duplicates: a route that two peers announce is still one route. It must
	// not become a layer of its own inside a default route.
	slices.SortFunc(all, func(a, b labeled) int {
		return cmp.Or(cmp.Compare(a.label, b.label), a.Compare(b.Prefix))
	})
	all = slices.Compact(all)

	lay := &layout{family: f, edges: make([]edge, 0, 2*len(all))}
	for _, p := range all {
		first, after := f.bounds(p.Prefix)
		lay.edges = append(lay.edges, edge{first, p.label, +1})
		if after != (uint128{}) {
			lay.edges = append(lay.edges, edge{after, p.label, -1})
		}
	}
	slices.SortFunc(lay.edges, func(a, b edge) int { return a.at.compare(b.at) })
	return lay
}

// canonical returns p without host bits, as IPv4 if all its addresses are 4-in-6. If
// p is invalid, so is the result.
func canonical(p netip.Prefix) netip.Prefix {
	if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
	}
	return p.Masked()
}

// bounds returns the first address of p and the one after its last address. The
// latter is zero if p is at the end of the address space.
func (f family) bounds(p netip.Prefix) (first, after uint128) {
	first = addrValue(p.Addr())
	after = first.add(uint128{lo: 1}.shl(int(f) - p.Bits()))
	if f == ipv4 {
		after.lo &= 1<<32 - 1
	}
	return first, after
}
