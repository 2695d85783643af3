package netlog

import "net/netip"

// RouteConfig says which addresses belong to the VPN. The zero RouteConfig knows
// none, so all traffic is exit traffic.
type RouteConfig struct {
	LocalAddrs      []netip.Prefix // this node's own addresses, single or as address/network (10.0.0.2/24)
	Routes          []netip.Prefix // where the VPN leads: peers' addresses and subnets behind other nodes
	SubnetRoutes    []netip.Prefix // subnets that this node itself offers to others
	VirtualPrefixes []netip.Prefix // the addresses of nodes; nil: worked out from the other fields
}
