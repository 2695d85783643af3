package netlog

import "net/netip"

// RouteConfig says which addresses belong to the VPN, and so what a record may
// show. The zero RouteConfig knows none: all traffic is exit traffic.
//
// An address is known when it is the address of one of LocalAddrs or lies in a
// route that counts. Each flow is then of one class:
//
//	virtual: both sides are known, and both are addresses of nodes
//	subnet:  both sides are known, at least one is not an address of a node
//	exit:    at least one side is not known
//
// A mistake is made on the closed side: what no rule names is exit traffic, of
// which only totals are written unless [ExitPolicy] says otherwise. So a host
// that reaches a node from outside the routes, even a host of the local network,
// is exit traffic until a route names it.
//
// # Addresses of nodes
//
// VirtualPrefixes names them, whatever else is set; an empty slice that is not
// nil says that there are none. It does not make an address known. Where it is
// nil, as in plain WireGuard, these are the addresses of nodes:
//
//   - each of LocalAddrs taken as a network: 10.0.0.2/24 stands for
//     10.0.0.0/24. The private-use addresses in it are then also known;
//   - each entry of Routes that is one address. Two neighbours given as
//     10.0.0.2/32 and 10.0.0.3/32 are nodes, given as 10.0.0.2/31 a subnet;
//   - 100.64.0.0/10 without 100.115.92.0/23, and fd7a:115c:a1e0::/48, where
//     Tailscale and headscale number nodes. Set VirtualPrefixes where subnets
//     are numbered there.
//
// # Default routes
//
// A route that leads to the internet does not make the internet a subnet: it
// counts for private-use addresses only (RFC 1918, RFC 6598, fc00::/7 and
// link-local). This holds in whatever pieces it is written: 0.0.0.0/0,
// 0.0.0.0/1 with 128.0.0.0/1, 2000::/3, or a list of a thousand prefixes. For
// each family, over Routes and SubnetRoutes together, the rule is:
//
//   - Routes that hold the same address lie in layers, the outermost first. An
//     address is in the n-th layer when n or more distinct prefixes hold it.
//   - While a layer holds more than 1/128 of the public addresses, it is a
//     default route: it is set aside, and the next layer is looked at.
//   - The first layer that holds no more than that counts, with all in it.
//
// Public addresses are what the internet routes to hosts: in IPv4 1.0.0.0 to
// 223.255.255.255 without 127.0.0.0/8 and private use, of which 1/128 is taken as
// two /8; in IPv6 2000::/3, of which 1/128 is a /10. Multicast and reserved
// ranges are not public: a route to one counts, unless it is part of a default
// route.
//
// Two lists that each leave another hole in the internet, as two peers have them
// that both lead there, overlap, and what is nested in them is both lists again. So
// inside a default route a layer does not count in a prefix, of any length, that it
// fills by more than half but not whole; there the next layer is looked at.
//
// So 203.0.113.0/24 counts beside 0.0.0.0/0, and beside its two halves. It does not
// count where it only fills a hole that the pieces of a default route leave: those
// pieces and it look like one default route. A public subnet that is to be seen
// beside such a list must lie inside a prefix of the list. For the same reason a
// more specific route inside a default route counts: it says that this part is not
// the internet. Lists of public prefixes must therefore be free of overlaps: of two
// whose holes are subnets, parts of one as large as a hole of the other can count.
// Three quarters of a public prefix do not count beside a default route; the whole
// of it, or one half, does. A list of at most 1/128 of the family, as of one small
// country or of one country in IPv6, is not a default route; its addresses are
// written.
//
// 64:ff9b::/96, 64:ff9b:1::/48 (NAT64), 2002::/16 (6to4) and 2001::/32 (Teredo)
// never count as routes, because their addresses hold IPv4 addresses of the
// internet. A NAT64 prefix of one's own (RFC 6052), in private use or routed by
// name, cannot be told from a subnet: its addresses are written.
//
// # Spelling
//
// The same routes give the same classes however they are spelled: in any order,
// doubled, in pieces, as a subset of another route where there is no default
// route, with host bits, or as 4-in-6 (::ffff:10.0.0.0/104 is 10.0.0.0/8).
// Addresses in 4-in-6 form are classified as IPv4, zones have no meaning, and
// invalid prefixes are ignored.
type RouteConfig struct {
	LocalAddrs      []netip.Prefix // this node's own addresses, single or as address/network (10.0.0.2/24)
	Routes          []netip.Prefix // where the VPN leads: peers' addresses and subnets behind other nodes
	SubnetRoutes    []netip.Prefix // subnets that this node itself offers to others
	VirtualPrefixes []netip.Prefix // the addresses of nodes; nil: worked out from the other fields
}
