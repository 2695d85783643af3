package netlog

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"slices"
)

// addrKind is what the routes say of one address.
type addrKind uint8

const (
	addrUnknown addrKind = iota // outside the VPN, or not to be told from it
	addrSubnet                  // known, not the address of a node
	addrNode                    // known, the address of a node
)

// routeTable is a RouteConfig made ready for lookups: for each family the whole
// address space as a list of spans, sorted, without two neighbours of one kind.
// That form is unique, so two configurations that mean the same are equal.
//
// A routeTable is immutable and safe for concurrent use. Over n prefixes it has
// at most 2n+16 spans a family, 8 bytes each in IPv4 and 24 in IPv6.
type routeTable struct {
	v4  []span4
	v6  []span6
	own []netip.Addr // LocalAddrs, in their order
}

// A span holds the addresses from first to before the next span's first. The
// first span of a table begins at the address zero, so a search always finds one.
type (
	span[A any] struct {
		first A
		kind  addrKind
	}
	span4 = span[uint32]
	span6 = span[uint128]
)

// newRouteTable builds the table of cfg, of which it keeps nothing; nil is the
// zero RouteConfig. It takes O(n log n) time.
func newRouteTable(cfg *RouteConfig) *routeTable {
	if cfg == nil {
		cfg = new(RouteConfig)
	}
	t := new(routeTable)
	layOut(cfg, ipv4).spans(func(s span6) { t.v4 = append(t.v4, span4{uint32(s.first.lo), s.kind}) })
	layOut(cfg, ipv6).spans(func(s span6) { t.v6 = append(t.v6, s) })
	for _, p := range cfg.LocalAddrs {
		if p.IsValid() {
			t.own = append(t.own, p.Addr().Unmap())
		}
	}
	t.v4, t.v6 = slices.Clip(t.v4), slices.Clip(t.v6)
	return t
}

// equal reports whether t and u say the same of every address, and of the node itself.
func (t *routeTable) equal(u *routeTable) bool {
	return slices.Equal(t.v4, u.v4) && slices.Equal(t.v6, u.v6) && slices.Equal(t.own, u.own)
}

// lookup returns the kind of a; an invalid address is unknown. It costs one
// binary search: 15 comparisons for 10,000 prefixes, 18 for 100,000.
func (t *routeTable) lookup(a netip.Addr) addrKind {
	switch {
	case a.Is4() || a.Is4In6():
		b := a.As4()
		return t.lookup4(binary.BigEndian.Uint32(b[:]))
	case a.IsValid():
		return t.lookup6(addrValue(a))
	}
	return addrUnknown
}

// The searches keep the span at hand in reach and halve what is beside it: they look
// for the last that begins at or before x, which slices.BinarySearch does not.

func (t *routeTable) lookup4(x uint32) addrKind {
	at, n := 0, len(t.v4)
	for n > 1 {
		half := n / 2
		if t.v4[at+half].first <= x {
			at += half
		}
		n -= half
	}
	return t.v4[at].kind
}

func (t *routeTable) lookup6(x uint128) addrKind {
	at, n := 0, len(t.v6)
	for n > 1 {
		half := n / 2
		if !x.less(t.v6[at+half].first) {
			at += half
		}
		n -= half
	}
	return t.v6[at].kind
}

// meet returns the table that knows the addresses that t and u both know, and says
// of them what t does.
func (t *routeTable) meet(u *routeTable) *routeTable {
	return &routeTable{v4: meet(t.v4, u.v4, cmp.Compare[uint32]), v6: meet(t.v6, u.v6, uint128.compare), own: t.own}
}

func meet[A any](t, u []span[A], compare func(A, A) int) (both []span[A]) {
	for i, j := 0, 0; ; {
		next := t[i]
		if compare(u[j].first, next.first) > 0 {
			next.first = u[j].first
		}
		if u[j].kind == addrUnknown {
			next.kind = addrUnknown
		}
		if n := len(both); n == 0 || both[n-1].kind != next.kind {
			both = append(both, next)
		}
		switch {
		case i+1 < len(t) && (j+1 == len(u) || compare(t[i+1].first, u[j+1].first) <= 0):
			if j+1 < len(u) && compare(t[i+1].first, u[j+1].first) == 0 {
				j++
			}
			i++
		case j+1 < len(u):
			j++
		default:
			return both
		}
	}
}
