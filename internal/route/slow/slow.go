// Package slow is the model that package route is tested against: the documentation of
// netlog.RouteConfig written down as linear scans.
package slow

import (
	"math/big"
	"net/netip"
	"slices"

	"github.com/go-netlog/netlog/internal/route"
	"github.com/go-netlog/netlog/internal/route/routetest"
)

// Model looks addresses up by the words of the documentation: it removes the outermost
// prefixes while they are a default route, and then once more inside each prefix.
type Model struct {
	cfg      *route.Config
	all      []netip.Prefix  // routes of any kind
	counting []netip.Prefix  // of these, those that are left when default routes are peeled off
	again    map[int]spelled // by family, where something was peeled off
}

// New returns the Model of cfg, which it keeps.
func New(cfg *route.Config) *Model {
	n := &Model{cfg: cfg, again: make(map[int]spelled)}
	for _, p := range slices.Concat(cfg.Routes, cfg.SubnetRoutes) {
		if p.IsValid() && !slices.Contains(n.all, Canonical(p)) {
			n.all = append(n.all, Canonical(p))
		}
	}
	for bits, limit := range map[int]*big.Int{32: big.NewInt(2 << 24), 128: new(big.Int).Lsh(big.NewInt(1), 118)} {
		left := slices.DeleteFunc(slices.Clone(n.all), func(p netip.Prefix) bool { return p.Addr().BitLen() != bits })
		for layer := 1; ; layer++ {
			inner := slices.DeleteFunc(slices.Clone(left), func(p netip.Prefix) bool {
				return !slices.ContainsFunc(left, func(q netip.Prefix) bool { return q.Bits() < p.Bits() && q.Overlaps(p) })
			})
			public := new(big.Int)
			for _, p := range left {
				if !slices.Contains(inner, p) {
					public.Add(public, publicOf(p))
				}
			}
			if public.Cmp(limit) <= 0 {
				if layer > 1 && len(left) > 0 {
					n.again[bits] = newSpelled(n.all, bits, layer)
				}
				break
			}
			left = inner
		}
		n.counting = append(n.counting, left...)
	}
	return n
}

// spelled knows the default routes that are spelled again inside default
// routes: the prefixes that a layer fills by more than half, but not whole.
type spelled struct {
	routes []netip.Prefix // of one family
	first  int            // the first layer that is looked at
	fill   map[block]*big.Int
	again  map[int][]netip.Prefix // by layer, the prefixes to set aside
}

type block struct {
	netip.Prefix
	layer int
}

func newSpelled(all []netip.Prefix, bits, first int) spelled {
	s := spelled{first: first, fill: make(map[block]*big.Int), again: make(map[int][]netip.Prefix)}
	for _, p := range all {
		if p.Addr().BitLen() == bits {
			s.routes = append(s.routes, p)
		}
	}
	whole := netip.PrefixFrom(netip.AddrFrom4([4]byte{}), 0)
	if bits == 128 {
		whole = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
	}
	for layer := first; s.filled(whole, layer).Sign() > 0; layer++ {
		s.search(whole, layer)
	}
	return s
}

func sizeOf(p netip.Prefix) *big.Int {
	return new(big.Int).Lsh(big.NewInt(1), uint(p.Addr().BitLen()-p.Bits()))
}

// filled counts the addresses of p that so many routes hold.
func (s *spelled) filled(p netip.Prefix, layer int) *big.Int {
	if n := s.fill[block{p, layer}]; n != nil {
		return n
	}
	around, inside := 0, 0
	for _, r := range s.routes {
		switch {
		case r.Bits() <= p.Bits() && r.Overlaps(p):
			around++
		case r.Overlaps(p):
			inside++
		}
	}
	n := new(big.Int)
	switch {
	case around >= layer:
		n = sizeOf(p)
	case around+inside >= layer:
		a, b := routetest.Halves(p)
		n.Add(s.filled(a, layer), s.filled(b, layer))
	}
	s.fill[block{p, layer}] = n
	return n
}

func (s *spelled) search(p netip.Prefix, layer int) {
	n := s.filled(p, layer)
	switch twice := new(big.Int).Lsh(n, 1); {
	case n.Sign() == 0 || n.Cmp(sizeOf(p)) == 0:
	case twice.Cmp(sizeOf(p)) > 0:
		s.again[layer] = append(s.again[layer], p)
	default:
		a, b := routetest.Halves(p)
		s.search(a, layer)
		s.search(b, layer)
	}
}

// counts reports whether enough routes hold a.
func (s *spelled) counts(a netip.Addr) bool {
	holds := func(p netip.Prefix) bool { return p.Contains(a) }
	layer := s.first
	for slices.ContainsFunc(s.again[layer], holds) {
		layer++
	}
	for _, r := range s.routes {
		if holds(r) {
			layer--
		}
	}
	return layer <= 0
}

// Canonical returns p without host bits, as IPv4 if it is 4-in-6.
func Canonical(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked()
}

// publicOf counts the public addresses of p by halving it until it is all public
// or not at all.
func publicOf(p netip.Prefix) *big.Int {
	if p.Addr().Is6() && !netip.MustParsePrefix("2000::/3").Contains(p.Addr()) && p.Bits() >= 3 {
		return new(big.Int)
	}
	split := p.Addr().Is6() && p.Bits() < 3
	for _, q := range routetest.Prefixes("0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.168.0.0/16 224.0.0.0/3") {
		if q.Overlaps(p) && q.Bits() <= p.Bits() {
			return new(big.Int)
		}
		split = split || q.Overlaps(p)
	}
	if !split {
		return new(big.Int).Lsh(big.NewInt(1), uint(p.Addr().BitLen()-p.Bits()))
	}
	a, b := routetest.Halves(p)
	return new(big.Int).Add(publicOf(a), publicOf(b))
}

// Lookup returns the kind of a.
func (n *Model) Lookup(a netip.Addr) route.Kind {
	a = a.Unmap().WithZone("")
	in := func(list []netip.Prefix) bool {
		return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.IsValid() && Canonical(p).Contains(a) })
	}
	own := slices.ContainsFunc(n.cfg.LocalAddrs, func(p netip.Prefix) bool { return p.IsValid() && p.Addr().Unmap() == a })
	private := in(routetest.Prefixes("10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 100.64.0.0/10 169.254.0.0/16 fc00::/7 fe80::/10"))
	never := in(routetest.Prefixes("64:ff9b::/96 64:ff9b:1::/48 2002::/16 2001::/32"))
	counts := in(n.counting)
	if s, ok := n.again[a.BitLen()]; ok {
		counts = s.counts(a)
	}
	node := in(n.cfg.VirtualPrefixes)
	ownNet := false
	if n.cfg.VirtualPrefixes == nil {
		ownNet = in(n.cfg.LocalAddrs)
		node = ownNet ||
			slices.ContainsFunc(n.cfg.Routes, func(p netip.Prefix) bool {
				return p.IsValid() && Canonical(p).IsSingleIP() && Canonical(p).Addr() == a
			}) ||
			in(routetest.Prefixes("100.64.0.0/10 fd7a:115c:a1e0::/48")) && !in(routetest.Prefixes("100.115.92.0/23"))
	}
	switch known := own || private && (ownNet || in(n.all)) || counts && !never; {
	case !known:
		return route.Unknown
	case node:
		return route.Node
	}
	return route.Subnet
}
