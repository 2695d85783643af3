// Package route sorts the addresses of packets into kinds: nodes of the VPN, subnets
// behind nodes, and everything else.
package route

import (
	"encoding/binary"
	"net/netip"
	"slices"
)

// Config lists the prefixes that a [Table] is built from. It has the fields of
// netlog.RouteConfig, whose documentation states the rules.
type Config struct {
	LocalAddrs      []netip.Prefix
	Routes          []netip.Prefix
	SubnetRoutes    []netip.Prefix
	VirtualPrefixes []netip.Prefix
}

// Kind is the kind of an address.
type Kind uint8

const (
	Unknown Kind = iota // not known to belong to the VPN
	Subnet              // known, but not the address of a node
	Node                // known, and the address of a node
)

// Table is a Config prepared for lookups. For each family it holds the whole address
// space as a sorted list of spans, in which neighbors differ in kind. Since that
// form is unique, two configurations with the same meaning give equal tables.
//
// A Table is immutable and safe for concurrent use. For n prefixes it has at most
// 2n+16 spans a family, of 8 bytes in IPv4 and 24 in IPv6.
type Table struct {
	v4    []span4
	v6    []span6
	own   []netip.Addr // LocalAddrs, in their order
	other []*Table     // see Restrict
}

// A span covers the addresses from first up to the first address of the next span.
// The first span of a table begins at address zero, so a search always finds one.
type (
	span[A any] struct {
		first A
		kind  Kind
	}
	span4 = span[uint32]
	span6 = span[uint128]
)

// New returns the table of cfg, in O(n log n) time. It keeps nothing of cfg.
func New(cfg Config) *Table {
	t := new(Table)
	layOut(&cfg, ipv4).spans(func(s span6) { t.v4 = append(t.v4, span4{uint32(s.first.lo), s.kind}) })
	layOut(&cfg, ipv6).spans(func(s span6) { t.v6 = append(t.v6, s) })
	for _, p := range cfg.LocalAddrs {
		if p.IsValid() {
			t.own = append(t.own, p.Addr().Unmap())
		}
	}
	t.v4, t.v6 = slices.Clip(t.v4), slices.Clip(t.v6)
	return t
}

// Own returns the node's own addresses, in the order of Config.LocalAddrs. The caller
// must not change the slice.
func (t *Table) Own() []netip.Addr { return t.own }

// maxOther bounds the memory and the lookups of a table that is restricted again and again.
const maxOther = 16

// Restrict returns a table that knows the addresses which both t and u know, with the
// kinds of t. It returns t if t is equal to u or already restricted by it, and a table
// that knows no address if t is restricted by too many tables.
func (t *Table) Restrict(u *Table) *Table {
	if slices.ContainsFunc(t.other, u.Equal) || t.Equal(u) {
		return t
	}
	r := *t
	if len(t.other) == maxOther {
		r = *New(Config{})
		r.own = t.own
		return &r
	}
	r.other = append(slices.Clip(t.other), u)
	return &r
}

// Equal reports whether t and u have the same own addresses and give every address
// the same kind. A table that is restricted is not equal to any.
func (t *Table) Equal(u *Table) bool {
	return len(t.other)+len(u.other) == 0 && slices.Equal(t.v4, u.v4) && slices.Equal(t.v6, u.v6) && slices.Equal(t.own, u.own)
}

// Lookup returns the kind of a. An invalid address is unknown. The cost is one binary
// search: 15 comparisons for 10,000 prefixes, 18 for 100,000.
func (t *Table) Lookup(a netip.Addr) Kind {
	if len(t.other) > 0 && t.hidden(a) {
		return Unknown
	}
	switch {
	case a.Is4() || a.Is4In6():
		b := a.As4()
		return t.lookup4(binary.BigEndian.Uint32(b[:]))
	case a.IsValid():
		return t.lookup6(addrValue(a))
	}
	return Unknown
}

// hidden reports whether a table passed to Restrict does not know a.
func (t *Table) hidden(a netip.Addr) bool {
	return slices.ContainsFunc(t.other, func(u *Table) bool { return u.Lookup(a) == Unknown })
}

// lookup4 and lookup6 search for the last span that begins at or before x, which
// slices.BinarySearch cannot do.

func (t *Table) lookup4(x uint32) Kind {
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

func (t *Table) lookup6(x uint128) Kind {
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
