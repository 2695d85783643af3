package netlog

import (
	"cmp"
	"net/netip"
	"slices"
)

// A label is something that a prefix says of its addresses.
type label uint8

const (
	labelRoute    label = iota // of Routes or SubnetRoutes
	labelOwn                   // an own address
	labelOwnNet                // a network of an own address that makes nodes known
	labelNode                  // nodes
	labelTailnet               // nodes by default, but for labelGuest
	labelGuest                 // virtual machines of ChromeOS inside 100.64.0.0/10
	labelPrivate               // private use
	labelUnicast               // routed on the internet, but for labelReserved and private use
	labelReserved              // not routed on the internet
	labelNever                 // holds IPv4 addresses of the internet
	numLabels
)

// fixed are the prefixes that mean something whatever the configuration.
func (f family) fixed() []labeled {
	p := netip.MustParsePrefix
	if f == ipv4 {
		return []labeled{
			{p("10.0.0.0/8"), labelPrivate},     // RFC 1918
			{p("172.16.0.0/12"), labelPrivate},  // RFC 1918
			{p("192.168.0.0/16"), labelPrivate}, // RFC 1918
			{p("100.64.0.0/10"), labelPrivate},  // RFC 6598
			{p("169.254.0.0/16"), labelPrivate}, // RFC 3927
			{p("0.0.0.0/0"), labelUnicast},
			{p("0.0.0.0/8"), labelReserved},   // RFC 1122, section 3.2.1.3
			{p("127.0.0.0/8"), labelReserved}, // loopback
			{p("224.0.0.0/3"), labelReserved}, // multicast, RFC 1112 class E, broadcast
		}
	}
	return []labeled{
		{p("fc00::/7"), labelPrivate},     // RFC 4193
		{p("fe80::/10"), labelPrivate},    // RFC 4291, section 2.5.6
		{p("2000::/3"), labelUnicast},     // RFC 4291, section 2.5.4, as far as IANA has opened it
		{p("64:ff9b::/96"), labelNever},   // RFC 6052
		{p("64:ff9b:1::/48"), labelNever}, // RFC 8215
		{p("2002::/16"), labelNever},      // RFC 3056
		{p("2001::/32"), labelNever},      // RFC 4380
	}
}

// defaultNodes are the addresses of nodes where the configuration names none.
func (f family) defaultNodes() []labeled {
	p := netip.MustParsePrefix
	if f == ipv4 {
		return []labeled{{p("100.64.0.0/10"), labelTailnet}, {p("100.115.92.0/23"), labelGuest}}
	}
	return []labeled{{p("fd7a:115c:a1e0::/48"), labelTailnet}}
}

// family is an address family, as the number of bits of its addresses.
type family int

const (
	ipv4 family = 32
	ipv6 family = 128
)

// maxPublic is how many public addresses a layer of routes may hold without
// being a default route: two /8 of IPv4, a /10 of IPv6.
func (f family) maxPublic() uint128 {
	if f == ipv4 {
		return uint128{lo: 2 << (32 - 8)}
	}
	return uint128{hi: 1 << (128 - 10 - 64)}
}

// labeled is a valid prefix of one family with what it says.
type labeled struct {
	netip.Prefix
	label label
}

// layout is one family's prefixes as the edges where they begin and end.
type layout struct {
	family family
	edges  []edge // sorted by at
}

type edge struct {
	at    uint128
	label label
	step  int8 // +1 where a prefix begins, -1 after its last address
}

// layOut lays out what cfg says of the addresses of f.
func layOut(cfg *RouteConfig, f family) *layout {
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

	// Doubles go, because a route given twice, say by two peers, is still one
	// route: it must not become a layer of its own inside a default route.
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

// canonical returns p without host bits, as IPv4 where all in it is 4-in-6. An
// invalid p gives an invalid prefix.
func canonical(p netip.Prefix) netip.Prefix {
	if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
	}
	return p.Masked()
}

// bounds returns the first address of p and the one after its last, which is
// zero where the family ends with p.
func (f family) bounds(p netip.Prefix) (first, after uint128) {
	first = addrValue(p.Addr())
	after = first.add(uint128{lo: 1}.shl(int(f) - p.Bits()))
	if f == ipv4 {
		after.lo &= 1<<32 - 1
	}
	return first, after
}

// depths counts for some address the distinct prefixes of each label that hold it.
type depths [numLabels]int

// public reports whether the address is one that the internet routes to a host.
func (d *depths) public() bool {
	return d[labelUnicast] > 0 && d[labelReserved] == 0 && d[labelPrivate] == 0
}

// kind returns what the configuration says of the address, where layer is the
// first layer of routes that is not a default route.
func (d *depths) kind(layer int) addrKind {
	known := d[labelOwn] > 0 ||
		d[labelPrivate] > 0 && (d[labelRoute] > 0 || d[labelOwnNet] > 0) ||
		d[labelRoute] >= layer && d[labelNever] == 0
	switch {
	case !known:
		return addrUnknown
	case d[labelNode] > 0, d[labelOwnNet] > 0, d[labelTailnet] > 0 && d[labelGuest] == 0:
		return addrNode
	}
	return addrSubnet
}

// pieces calls visit for the address space from its begin to its end, in pieces of
// which all addresses have the same depths: where a piece begins and how many
// addresses it has. The last one's size is given as zero, as nothing public is in it.
func (lay *layout) pieces(visit func(first, size uint128, d *depths)) {
	var first uint128
	var d depths
	for _, e := range lay.edges {
		if e.at != first {
			visit(first, e.at.sub(first), &d)
			first = e.at
		}
		d[e.label] += int(e.step)
	}
	visit(first, uint128{}, &d)
}

// countingLayer returns the first layer of routes that is not a default route,
// see [RouteConfig]. Because only the number of prefixes that hold an address
// matters, a route in pieces is the same as the whole one.
func (lay *layout) countingLayer() int {
	var public []uint128 // by depth: the public addresses that so many routes hold
	lay.pieces(func(_, size uint128, d *depths) {
		n := d[labelRoute]
		for len(public) <= n {
			public = append(public, uint128{})
		}
		if d.public() {
			public[n] = public[n].add(size)
		}
	})
	// From the innermost layer outwards, as each is a part of the one around it.
	var sum uint128
	for layer := len(public) - 1; layer >= 1; layer-- {
		sum = sum.add(public[layer])
		if lay.family.maxPublic().less(sum) {
			return layer + 1
		}
	}
	return 1
}

// spans calls add for each span of the table, in order.
func (lay *layout) spans(add func(span6)) {
	layer := lay.countingLayer()
	last := addrKind(0xff) // no kind, so that the first piece begins a span
	lay.pieces(func(first, _ uint128, d *depths) {
		if k := d.kind(layer); k != last {
			last = k
			add(span6{first, k})
		}
	})
}
