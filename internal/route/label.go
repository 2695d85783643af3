package route

import "net/netip"

// A label is a property that a prefix gives to its addresses.
type label uint8

const (
	labelRoute    label = iota // in Routes or SubnetRoutes
	labelOwn                   // one of the node's own addresses
	labelOwnNet                // the network of an own address, whose private-use addresses are known
	labelNode                  // addresses of nodes
	labelTailnet               // addresses of nodes by default, except labelChromeOS
	labelChromeOS              // virtual machines of ChromeOS, inside 100.64.0.0/10
	labelPrivate               // private use
	labelUnicast               // routed on the internet, except labelReserved and labelPrivate
	labelReserved              // not routed on the internet
	labelNever                 // contains IPv4 addresses of the internet
	numLabels
)

// fixed returns the prefixes that are labeled in every configuration.
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

// defaultNodes returns the prefixes of nodes if the configuration has no VirtualPrefixes.
func (f family) defaultNodes() []labeled {
	p := netip.MustParsePrefix
	if f == ipv4 {
		return []labeled{{p("100.64.0.0/10"), labelTailnet}, {p("100.115.92.0/23"), labelChromeOS}}
	}
	return []labeled{{p("fd7a:115c:a1e0::/48"), labelTailnet}}
}

// family is an address family, as the number of bits of its addresses.
type family int

const (
	ipv4 family = 32
	ipv6 family = 128
)

// maxPublic returns how many public addresses a layer of routes may hold without
// being a default route: two /8 of IPv4, or a /10 of IPv6.
func (f family) maxPublic() uint128 {
	if f == ipv4 {
		return uint128{lo: 2 << (32 - 8)}
	}
	return uint128{hi: 1 << (128 - 10 - 64)}
}

// last returns the last address of the family.
func (f family) last() uint128 {
	return uint128{lo: 1}.shl(int(f)).sub(uint128{lo: 1})
}

// labeled is a valid prefix with a label.
type labeled struct {
	netip.Prefix
	label label
}
