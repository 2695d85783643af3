package netlog

import "net/netip"

// RouteConfig lists the addresses that belong to the VPN, and so decides what a record may
// show. The zero RouteConfig lists none: all traffic is exit traffic.
//
// An address is known if it is the address of one of LocalAddrs or lies in a route that
// counts. Each flow has one class:
//
//	virtual: both sides are known, and both are addresses of nodes
//	subnet:  both sides are known, and at least one is not the address of a node
//	exit:    at least one side is not known
//
// Whatever the rules do not cover is exit traffic, of which only totals are written unless
// [ExitPolicy] says otherwise. So traffic with a host outside the routes is exit traffic,
// even if the host is in the local network, until a route covers it.
//
// # Addresses of nodes
//
// If VirtualPrefixes is not nil, it lists the addresses of nodes, and an empty slice means
// that there are none. It does not make an address known. If it is nil, as in plain
// WireGuard, the addresses of nodes are:
//
//   - each of LocalAddrs taken as a network: 10.0.0.2/24 means 10.0.0.0/24. The
//     private-use addresses in it are then known too;
//   - each entry of Routes that is a single address. Two neighbors given as 10.0.0.2/32
//     and 10.0.0.3/32 are nodes; given as 10.0.0.2/31 they are a subnet;
//   - 100.64.0.0/10 without 100.115.92.0/23, and fd7a:115c:a1e0::/48, from which Tailscale
//     and headscale number their nodes. Set VirtualPrefixes if your subnets use them.
//
// # Default routes
//
// A route to the internet does not turn the internet into a subnet: it counts for
// private-use addresses only (RFC 1918, RFC 6598, fc00::/7 and link-local). This holds
// however the route is written: as 0.0.0.0/0, as 0.0.0.0/1 with 128.0.0.0/1, as 2000::/3,
// or as a list of a thousand prefixes. The rule, for each family and for Routes and
// SubnetRoutes together, is:
//
//   - Routes form layers. An address is in layer n if at least n distinct prefixes contain
//     it, so layer 1 is the outermost.
//   - While a layer contains more than 1/128 of the public addresses, it is a default
//     route: it is set aside, and the next layer is examined.
//   - The first layer that contains at most 1/128 is used, with all its addresses.
//
// Public addresses are those that the internet routes to hosts. In IPv4 they are 1.0.0.0 to
// 223.255.255.255 without 127.0.0.0/8 and private use, and 1/128 of them is taken to be two
// /8. In IPv6 they are 2000::/3, and 1/128 of it is a /10. Multicast and reserved ranges
// are not public: a route to one counts, unless it is part of a default route.
//
// Two peers may both lead to the internet, with lists that leave out different prefixes.
// Where such lists overlap, they form a second layer. So within each prefix of a
// default route, a layer that covers more than half of that prefix, but not all of it, is
// skipped, and the next layer is examined.
//
// As a result:
//
//   - 203.0.113.0/24 counts beside 0.0.0.0/0, and beside 0.0.0.0/1 with 128.0.0.0/1: a route
//     inside a prefix of a default route says that this part is not the internet. It does
//     not count if it fills a gap in a list that forms a default route, because the two
//     together look like one default route.
//   - Within a prefix of a default route, other routes count if they cover at most half of
//     that prefix, or all of it. If they cover three quarters, they do not.
//   - Do not use two lists of public prefixes that overlap: a part of one list that is as
//     large as a gap in the other may be taken for a subnet, and its addresses written.
//   - A list of at most 1/128 of the public addresses, such as the list of one country in
//     IPv6, is not a default route, so its addresses are written.
//
// The prefixes 64:ff9b::/96, 64:ff9b:1::/48 (NAT64), 2002::/16 (6to4) and 2001::/32
// (Teredo) never count as routes, because their addresses contain IPv4 addresses of the
// internet. Your own NAT64 prefix (RFC 6052) is treated like any other subnet if it is
// routed or in private use, so its addresses are written.
//
// # Spelling
//
// The order of routes, duplicates, host bits and 4-in-6 notation (::ffff:10.0.0.0/104 is
// 10.0.0.0/8) do not matter. Neither does splitting a prefix, unless a part is a single
// address. A route inside another one matters only inside a default route. Addresses in
// 4-in-6 form are classified as IPv4, zones are ignored, and so are invalid prefixes.
type RouteConfig struct {
	LocalAddrs      []netip.Prefix // this node's own addresses, single or as address/network (10.0.0.2/24)
	Routes          []netip.Prefix // addresses of peers and subnets behind other nodes
	SubnetRoutes    []netip.Prefix // subnets that this node offers to others
	VirtualPrefixes []netip.Prefix // the addresses of nodes; if nil, the other fields decide
}
