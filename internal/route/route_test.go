package route_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"
	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/internal/route"
	"github.com/go-netlog/netlog/internal/route/routetest"
)

// Ordinary configurations, written as an operator would. Prefixes and addresses
// are separated by spaces, flows are written "src>dst".
var routeTests = []struct {
	name                                   string
	local, routes, subnetRoutes, virtualIn string // virtualIn "-": an empty slice, "": nil
	virtual, subnet, exit                  string
}{
	{
		name: "without a configuration all is exit traffic",
		exit: "100.64.0.1>100.64.0.2 10.0.0.1>10.0.0.2 8.8.8.8>1.1.1.1 fd7a:115c:a1e0::1>fd7a:115c:a1e0::2 127.0.0.1>127.0.0.1",
	}, {
		name:  "tailnet: Tailscale's ranges are nodes, but only those in a route are known",
		local: "100.64.0.1/32 fd7a:115c:a1e0::1/128", routes: "100.64.0.2/32 fd7a:115c:a1e0::2/128",
		virtual: "100.64.0.1>100.64.0.2 100.64.0.2>100.64.0.1 fd7a:115c:a1e0::1>fd7a:115c:a1e0::2 100.64.0.1>fd7a:115c:a1e0::2",
		exit:    "100.64.0.1>100.64.0.3 100.64.0.1>8.8.8.8 100.64.0.1>192.168.1.1 fd7a:115c:a1e0::1>fd7a:115c:a1e0::3",
	}, {
		name:  "tailnet: a route into 100.64.0.0/10 leads to nodes, one into 100.115.92.0/23 to a subnet",
		local: "100.64.0.1/32", routes: "100.65.0.0/16 100.115.92.0/22",
		virtual: "100.64.0.1>100.65.1.2 100.64.0.1>100.115.94.1",
		subnet:  "100.64.0.1>100.115.92.0 100.64.0.1>100.115.93.255",
		exit:    "100.64.0.1>100.115.96.0",
	}, {
		name:  "plain WireGuard: an own address with its network makes the network nodes",
		local: "10.0.0.2/24", routes: "10.0.0.1/32 192.168.7.0/24",
		virtual: "10.0.0.2>10.0.0.1 10.0.0.2>10.0.0.77",
		subnet:  "10.0.0.2>192.168.7.9 192.168.7.9>10.0.0.2",
		exit:    "10.0.0.2>10.0.1.1 10.0.0.2>192.168.8.1 10.0.0.2>9.9.9.9",
	}, {
		name:  "plain WireGuard: an own address in public space makes only itself known",
		local: "203.0.113.5/24", routes: "203.0.113.6/32",
		virtual: "203.0.113.5>203.0.113.6",
		exit:    "203.0.113.5>203.0.113.7 203.0.113.5>203.0.113.0",
	}, {
		name:  "hub of a star on 10.8.0.0/24 sees spokes talk to each other",
		local: "10.8.0.1/24", routes: "10.8.0.2/32 10.8.0.3/32",
		virtual: "10.8.0.2>10.8.0.3 10.8.0.1>10.8.0.2",
		exit:    "10.8.0.2>1.1.1.1",
	}, {
		name:  "spoke of a star on 10.8.0.0/24 with a route to the whole star",
		local: "10.8.0.2/32", routes: "10.8.0.0/24",
		subnet:  "10.8.0.2>10.8.0.1", // nothing says that 10.8.0.1 is a node
		virtual: "10.8.0.2>10.8.0.2",
		exit:    "10.8.0.2>10.8.1.1",
	}, {
		name:  "spoke of a star on 10.8.0.0/24, nodes named",
		local: "10.8.0.2/32", routes: "10.8.0.0/24 10.9.0.0/24", virtualIn: "10.8.0.0/24",
		virtual: "10.8.0.2>10.8.0.1",
		subnet:  "10.8.0.2>10.9.0.1",
	}, {
		name:  "full tunnel: the internet is exit traffic, private space a subnet",
		local: "10.8.0.2/24 fd08::2/64", routes: "0.0.0.0/0 ::/0",
		virtual: "10.8.0.2>10.8.0.1 fd08::2>fd08::1 10.8.0.2>100.99.0.1",
		subnet:  "10.8.0.2>192.168.1.1 10.8.0.2>172.16.0.1 10.8.0.2>169.254.1.1 fd08::2>fd99::1 fd08::2>fe80::1",
		exit:    "10.8.0.2>8.8.8.8 10.8.0.2>224.0.0.251 10.8.0.2>255.255.255.255 10.8.0.2>127.0.0.1 fd08::2>2606:4700::1111 fd08::2>ff02::fb fd08::2>::1 fd08::2>4000::1",
	}, {
		name:  "full tunnel as def1: two halves are a default route",
		local: "10.8.0.2/24 fd08::2/64", routes: "0.0.0.0/1 128.0.0.0/1 ::/1 8000::/1",
		virtual: "10.8.0.2>10.8.0.1",
		subnet:  "10.8.0.2>192.168.1.1 fd08::2>fd99::1",
		exit:    "10.8.0.2>8.8.8.8 10.8.0.2>203.0.113.9 fd08::2>2606:4700::1111",
	}, {
		name:  "full tunnel by 2000::/3",
		local: "fd08::2/64", routes: "2000::/3",
		virtual: "fd08::2>fd08::1",
		exit:    "fd08::2>2606:4700::1111 fd08::2>fd99::1",
	}, {
		name:  "full tunnel by the registries' /12s",
		local: "fd08::2/64", routes: "2001::/16 2400::/12 2600::/12 2800::/12 2a00::/12 2c00::/12",
		exit: "fd08::2>2606:4700::1111 fd08::2>2001:4860::8888 fd08::2>2a00::1",
	}, {
		name:  "full tunnel by a calculator: everything but private space",
		local: "10.8.0.2/24", routes: without("0.0.0.0/0", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),
		virtual: "10.8.0.2>10.8.0.1",
		subnet:  "10.8.0.2>169.254.7.7", // in the list, and private use
		exit:    "10.8.0.2>8.8.8.8 10.8.0.2>11.0.0.1 10.8.0.2>192.169.0.1 10.8.0.2>172.32.0.1 10.8.0.2>192.168.1.1 10.8.0.2>224.0.0.1",
	}, {
		name:  "full tunnel by a calculator: everything but private and reserved space",
		local: "10.8.0.2/24", routes: without("0.0.0.0/0", "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
			"172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3"),
		exit: "10.8.0.2>8.8.8.8 10.8.0.2>192.0.1.1 10.8.0.2>198.51.99.9 10.8.0.2>203.0.113.1",
	}, {
		name:  "full tunnel by a calculator: everything but the server, down to single addresses",
		local: "10.8.0.2/24", routes: without("0.0.0.0/0", "198.51.100.7/32"),
		subnet: "10.8.0.2>192.168.1.1",
		exit:   "10.8.0.2>198.51.100.6 10.8.0.2>198.51.100.7 10.8.0.2>198.51.100.5 10.8.0.2>8.8.8.8",
	}, {
		name:  "full tunnel by a calculator in IPv6: everything but the local kinds",
		local: "fd08::2/64", routes: without("::/0", "::1/128", "fc00::/7", "fe80::/10", "ff00::/8"),
		exit: "fd08::2>2606:4700::1111 fd08::2>4000::1 fd08::2>fd99::1 fd08::2>2a03::1",
	}, {
		name:  "full tunnel with a public subnet over the VPN: the subnet counts",
		local: "10.8.0.2/24 fd08::2/64", routes: "0.0.0.0/0 203.0.113.0/24 ::/0 2001:db8::/32",
		subnet: "10.8.0.2>203.0.113.9 fd08::2>2001:db8::1",
		exit:   "10.8.0.2>203.0.112.9 fd08::2>2001:db9::1",
	}, {
		name:  "def1 with a public subnet over the VPN: the same",
		local: "10.8.0.2/24", routes: "128.0.0.0/1 203.0.113.0/24 0.0.0.0/1",
		subnet: "10.8.0.2>203.0.113.9",
		exit:   "10.8.0.2>203.0.112.9",
	}, {
		name:  "default routes inside default routes are set aside one after the other",
		local: "10.8.0.2/24", routes: "0.0.0.0/0 0.0.0.0/1 128.0.0.0/1 64.0.0.0/2 65.4.3.0/24",
		subnet: "10.8.0.2>65.4.3.1",
		exit:   "10.8.0.2>64.1.1.1 10.8.0.2>8.8.8.8",
	}, {
		name:  "a public subnet that lies beside a large route, not inside it, goes with it",
		local: "10.8.0.2/24", routes: "0.0.0.0/0 64.0.0.0/2 203.0.113.0/24",
		exit: "10.8.0.2>203.0.113.9",
	}, {
		name:  "a public subnet that only fills the hole of a list does not count",
		local: "10.8.0.2/24", routes: without("0.0.0.0/0", "203.0.113.0/24") + " 203.0.113.0/24",
		exit: "10.8.0.2>203.0.113.9 10.8.0.2>203.0.112.9",
	}, {
		name:  "two full tunnels by a calculator, each around its own server: the lists lie in one another",
		local: "10.8.0.2/24 fd08::2/64",
		routes: without("0.0.0.0/0", "203.0.113.5/32") + " " + without("0.0.0.0/0", "203.200.1.1/32") + " " +
			without("2000::/3", "2a01:4f8::1/128") + " " + without("2000::/3", "2a02:c207::1/128"),
		subnet: "10.8.0.2>192.168.1.1",
		exit: "10.8.0.2>203.97.139.16 10.8.0.2>203.0.113.6 10.8.0.2>203.200.1.2 10.8.0.2>203.0.113.5 10.8.0.2>8.8.8.8 " +
			"fd08::2>2a03:2880:f12f::1 fd08::2>2a00:1450:4001:800::200e fd08::2>2a01:4f8::2 fd08::2>2a02:c207::2",
	}, {
		name:  "three full tunnels, each around servers of its own, and a public subnet inside",
		local: "10.8.0.2/24",
		routes: without("0.0.0.0/0", "203.0.113.5/32", "5.5.5.5/32") + " " + without("0.0.0.0/0", "203.0.113.9/32") + " " +
			without("0.0.0.0/0", "203.0.114.1/32", "10.0.0.0/8") + " 8.8.0.0/24",
		subnet: "10.8.0.2>8.8.0.8",
		exit:   "10.8.0.2>203.0.113.6 10.8.0.2>203.0.113.8 10.8.0.2>203.0.114.2 10.8.0.2>203.0.112.1 10.8.0.2>5.5.5.6 10.8.0.2>8.8.8.8",
	}, {
		name:  "public subnets inside a default route that fill half of a prefix count, and more of it only where they fill it",
		local: "10.8.0.2/24", routes: "0.0.0.0/0 203.0.112.0/24 198.51.100.0/24 198.51.101.0/25 192.0.2.0/25 192.0.2.128/25",
		subnet: "10.8.0.2>203.0.112.9 10.8.0.2>192.0.2.1 10.8.0.2>192.0.2.200",
		exit:   "10.8.0.2>198.51.100.9 10.8.0.2>198.51.101.9 10.8.0.2>203.0.113.9",
	}, {
		name:  "split tunnel: only private routes",
		local: "10.8.0.2/24", routes: "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16",
		virtual: "10.8.0.2>10.8.0.3",
		subnet:  "10.8.0.2>10.9.0.3 10.8.0.2>172.31.255.255 10.8.0.2>192.168.0.0",
		exit:    "10.8.0.2>172.32.0.0 10.8.0.2>11.0.0.0 10.8.0.2>100.64.0.1",
	}, {
		name:  "split tunnel: public subnets of a company count",
		local: "10.8.0.2/24 fd08::2/64", routes: "198.51.100.0/24 203.0.113.128/25 2001:db8:7::/48",
		subnet: "10.8.0.2>198.51.100.1 10.8.0.2>203.0.113.200 198.51.100.1>203.0.113.200 fd08::2>2001:db8:7::1",
		exit:   "10.8.0.2>203.0.113.1 198.51.100.1>203.0.113.1 fd08::2>2001:db8:8::1",
	}, {
		name:  "two /8 of IPv4 and a /10 of IPv6 are not yet a default route",
		local: "10.8.0.2/24 fd08::2/64", routes: "12.0.0.0/8 44.0.0.0/8 2000::/10 11.0.0.0/32x",
		subnet: "10.8.0.2>12.1.1.1 10.8.0.2>44.1.1.1 fd08::2>2000::1",
	}, {
		name:  "one address more than two /8 or a /10 is a default route",
		local: "10.8.0.2/24 fd08::2/64", routes: "12.0.0.0/8 44.0.0.0/8 2000::/10 9.9.9.9/32 3000::/128",
		exit: "10.8.0.2>12.1.1.1 10.8.0.2>44.1.1.1 10.8.0.2>9.9.9.9 fd08::2>2000::1 fd08::2>3000::",
	}, {
		name:  "private, multicast and reserved ranges do not make a default route",
		local: "10.8.0.2/24", routes: "10.0.0.0/8 127.0.0.0/8 224.0.0.0/4 240.0.0.0/4 203.0.113.0/24",
		subnet: "10.8.0.2>203.0.113.9 10.8.0.2>224.0.0.5 10.8.0.2>10.99.0.1 10.8.0.2>240.0.0.1",
	}, {
		name:  "a country's list of IPv4 is a default route",
		local: "10.8.0.2/24", routes: countryList(),
		exit: "10.8.0.2>5.0.1.1 10.8.0.2>80.3.1.1 10.8.0.2>8.8.8.8",
	}, {
		name:  "a country's list and the public subnet inside one of its prefixes",
		local: "10.8.0.2/24", routes: countryList() + " 5.0.7.0/24",
		subnet: "10.8.0.2>5.0.7.1",
		exit:   "10.8.0.2>5.0.1.1",
	}, {
		name:  "exit node as a client: peers are nodes, one of them leads to the internet",
		local: "100.64.0.1/32", routes: "100.64.0.2/32 100.64.0.9/32 0.0.0.0/0 ::/0",
		virtual: "100.64.0.1>100.64.0.9",
		exit:    "100.64.0.1>8.8.8.8",
	}, {
		name:  "exit node as the server: it offers the internet",
		local: "100.64.0.9/32", routes: "100.64.0.1/32", subnetRoutes: "0.0.0.0/0 ::/0",
		virtual: "100.64.0.9>100.64.0.1",
		subnet:  "192.168.1.20>100.64.0.1", // the network it stands in
		exit:    "8.8.8.8>100.64.0.1 100.64.0.9>8.8.8.8",
	}, {
		name:  "half of a default route in each field is a default route",
		local: "100.64.0.9/32", routes: "100.64.0.1/32 0.0.0.0/1", subnetRoutes: "200.0.0.0/8 128.0.0.0/8",
		exit: "200.1.1.1>100.64.0.1 100.64.0.9>8.8.8.8 100.64.0.9>128.1.1.1",
	}, {
		name:  "subnet router: hosts behind it talk to nodes",
		local: "100.64.0.5/32", routes: "100.64.0.1/32", subnetRoutes: "192.168.5.0/24 2001:db8:5::/64",
		virtual: "100.64.0.5>100.64.0.1",
		subnet:  "192.168.5.20>100.64.0.1 2001:db8:5::20>100.64.0.1 192.168.5.20>192.168.5.21",
		exit:    "192.168.6.1>100.64.0.1",
	}, {
		name:  "subnet router for one host: a single address offered is no node",
		local: "100.64.0.5/32", routes: "100.64.0.1/32 10.1.1.1/32", subnetRoutes: "192.168.5.20/32",
		virtual: "100.64.0.5>10.1.1.1",
		subnet:  "192.168.5.20>100.64.0.1",
	}, {
		name:  "site to site: LAN gateways on both ends",
		local: "10.99.0.1/30", routes: "10.99.0.2/32 192.168.2.0/24", subnetRoutes: "192.168.1.0/24",
		virtual: "10.99.0.1>10.99.0.2",
		subnet:  "192.168.1.3>192.168.2.4 192.168.1.3>10.99.0.2 10.99.0.1>192.168.2.4",
		exit:    "192.168.1.3>192.168.3.1 192.168.1.3>1.1.1.1",
	}, {
		name:  "IPv6 only, own addresses of a global prefix",
		local: "2001:db8:1::1/64", routes: "2001:db8:1::2/128 2001:db8:2::/64 fd00::/8",
		virtual: "2001:db8:1::1>2001:db8:1::2",
		subnet:  "2001:db8:1::1>2001:db8:2::9 2001:db8:1::1>fd12::1",
		exit:    "2001:db8:1::1>2001:db8:1::3 2001:db8:1::1>10.0.0.1",
	}, {
		name:  "NAT64, 6to4 and Teredo never count, be they routed by name",
		local: "fd08::2/64", routes: "64:ff9b::/96 64:ff9b:1::/48 2002::/16 2001::/32 64:ff9b::808:808/128 2002:808:808::/48", subnetRoutes: "64:ff9b::/64",
		exit: "fd08::2>64:ff9b::808:808 fd08::2>64:ff9b:1::808:808 fd08::2>2002:808:808::1 fd08::2>2001:0:808:808::1",
	}, {
		name:  "an own address is known where no route would count",
		local: "2002:c000:204::1/48 8.8.4.4/8", routes: "0.0.0.0/0 fd00::5/128",
		virtual: "2002:c000:204::1>8.8.4.4 2002:c000:204::1>fd00::5",
		exit:    "8.8.4.4>8.8.8.8 2002:c000:204::1>2002:c000:204::2",
	}, {
		name:  "VirtualPrefixes replaces what is worked out, and makes nothing known",
		local: "10.0.0.2/24", routes: "100.64.0.2/32 10.0.1.0/24", virtualIn: "10.0.1.0/25 10.0.0.2/32 10.5.0.0/16",
		virtual: "10.0.0.2>10.0.1.1",
		subnet:  "10.0.0.2>10.0.1.200 10.0.0.2>100.64.0.2",
		exit:    "10.0.0.2>10.0.0.3 10.0.0.2>10.5.0.1",
	}, {
		name:  "VirtualPrefixes empty but not nil: no nodes",
		local: "10.0.0.2/24", routes: "10.0.0.1/32", virtualIn: "-",
		subnet: "10.0.0.2>10.0.0.1 10.0.0.2>10.0.0.2",
		exit:   "10.0.0.2>10.0.0.3",
	}, {
		name:  "4-in-6 is IPv4, in prefixes and in addresses",
		local: "::ffff:10.0.0.2/120", routes: "::ffff:0.0.0.0/96 ::ffff:203.0.113.0/120 ::ffff:10.5.0.1/128", virtualIn: "",
		virtual: "10.0.0.2>10.0.0.3 ::ffff:10.0.0.2>10.0.0.3 10.0.0.2>::ffff:10.5.0.1",
		subnet:  "10.0.0.2>203.0.113.1 10.0.0.2>::ffff:203.0.113.1 ::ffff:10.0.0.2>::ffff:192.168.1.1",
		exit:    "10.0.0.2>8.8.8.8 10.0.0.2>::ffff:8.8.8.8",
	}, {
		name:  "a route of IPv6 over the 4-in-6 range says nothing of IPv4",
		local: "10.0.0.2/24", routes: "::/0 ::/64 ::fffe:0:0/95",
		exit: "10.0.0.2>192.168.1.1 10.0.0.2>::ffff:192.168.1.1 10.0.0.2>::ffff:8.8.8.8",
	}, {
		name:  "invalid prefixes are ignored, host bits and doubles change nothing",
		local: "10.0.0.2/24 10.0.0.2/24 10.7.0.1/33x", routes: "x 192.168.7.9/24 192.168.7.0/24 192.168.7.128/25 10.6.0.0/99x",
		virtual: "10.0.0.2>10.0.0.9",
		subnet:  "10.0.0.2>192.168.7.1 10.0.0.2>192.168.7.200",
		exit:    "10.0.0.2>192.168.8.1 10.0.0.2>10.6.0.0 10.0.0.2>10.7.0.1",
	}, {
		name:  "a double is not a layer of its own inside a default route",
		local: "10.0.0.2/24", routes: "0.0.0.0/1 128.0.0.0/1 8.0.0.0/6 8.8.8.0/24 8.8.8.0/24", subnetRoutes: "8.0.0.0/6 0.0.0.0/1",
		subnet: "10.0.0.2>8.8.8.1",
		exit:   "10.0.0.2>8.8.9.1 10.0.0.2>9.9.9.9",
	}, {
		name:  "zones have no meaning",
		local: "fe80::1/64", routes: "fd00::2/128",
		virtual: "fe80::1%wg0>fd00::2 fe80::5%eth0>fe80::1",
		exit:    "fe80::1%wg0>2606::1%wg0",
	},
}

func TestLookup(t *testing.T) {
	for _, tt := range routeTests {
		t.Run(tt.name, func(t *testing.T) {
			c := qt.New(t)
			cfg := &route.Config{
				LocalAddrs:   routetest.Prefixes(tt.local),
				Routes:       routetest.Prefixes(tt.routes),
				SubnetRoutes: routetest.Prefixes(tt.subnetRoutes),
			}
			switch tt.virtualIn {
			case "":
			case "-":
				cfg.VirtualPrefixes = []netip.Prefix{}
			default:
				cfg.VirtualPrefixes = routetest.Prefixes(tt.virtualIn)
			}
			table := route.New(*cfg)
			for want, list := range map[string]string{"virtual": tt.virtual, "subnet": tt.subnet, "exit": tt.exit} {
				for flow := range strings.FieldsSeq(list) {
					src, dst, _ := strings.Cut(flow, ">")
					f := flowOf(src, dst)
					c.Check(class(table, f), qt.Equals, want, qt.Commentf("%s", flow))
					f.Src, f.Dst = f.Dst, f.Src
					c.Check(class(table, f), qt.Equals, want, qt.Commentf("%s, turned round", flow))
				}
			}
		})
	}
}

func TestLookupInvalidAddressUnknown(t *testing.T) {
	c := qt.New(t)
	table := route.New(route.Config{LocalAddrs: routetest.Prefixes("10.0.0.1/8 fd00::1/8"), Routes: routetest.Prefixes("0.0.0.0/0 ::/0")})
	c.Check(class(table, flowtrack.Tuple{}), qt.Equals, "exit")
	f := flowOf("10.0.0.1", "10.0.0.2")
	c.Check(class(table, f), qt.Equals, "virtual")
	f.Dst = netip.AddrPort{}
	c.Check(class(table, f), qt.Equals, "exit")
}

func TestNewIgnoresInvalidPrefixes(t *testing.T) {
	c := qt.New(t)
	table := route.New(route.Config{})
	invalid := route.New(route.Config{LocalAddrs: append(routetest.Prefixes("10.0.0.2/24x"), netip.Prefix{})})
	c.Check(table.Equal(invalid), qt.IsTrue, qt.Commentf("own addresses: %v", invalid.Own()))
	c.Check(table.Lookup(netip.MustParseAddr("100.64.0.1")), qt.Equals, route.Unknown)
	c.Check(table.Equal(route.New(route.Config{Routes: routetest.Prefixes("10.0.0.0/8")})), qt.IsFalse)
}

func TestNewKeepsNothingOfConfig(t *testing.T) {
	c := qt.New(t)
	cfg := &route.Config{LocalAddrs: routetest.Prefixes("10.0.0.2/24"), Routes: routetest.Prefixes("10.1.0.0/16 10.2.0.9/16")}
	before := fmt.Sprint(cfg)
	table := route.New(*cfg)
	c.Check(fmt.Sprint(cfg), qt.Equals, before)
	want := route.New(*cfg)
	clear(cfg.LocalAddrs)
	clear(cfg.Routes)
	c.Check(table.Equal(want), qt.IsTrue)
}

// class returns the class of a flow by the rule in the documentation of
// netlog.RouteConfig.
func class(t *route.Table, f flowtrack.Tuple) string {
	src, dst := t.Lookup(f.Src.Addr()), t.Lookup(f.Dst.Addr())
	switch {
	case src == route.Unknown || dst == route.Unknown:
		return "exit"
	case src == route.Node && dst == route.Node:
		return "virtual"
	}
	return "subnet"
}

func flowOf(src, dst string) flowtrack.Tuple {
	return flowtrack.Tuple{
		Proto: flowtrack.TCP,
		Src:   netip.AddrPortFrom(netip.MustParseAddr(src), 40000),
		Dst:   netip.AddrPortFrom(netip.MustParseAddr(dst), 443),
	}
}

// without lists whole without the holes, as a calculator of allowed IPs does.
func without(whole string, holes ...string) string {
	var list []string
	var split func(p netip.Prefix)
	split = func(p netip.Prefix) {
		for _, h := range holes {
			if h := netip.MustParsePrefix(h); h.Overlaps(p) {
				if p.Bits() < h.Bits() {
					a, b := routetest.Halves(p)
					split(a)
					split(b)
				}
				return
			}
		}
		list = append(list, p.String())
	}
	split(netip.MustParsePrefix(whole))
	return strings.Join(list, " ")
}

// countryList is 700 prefixes of sizes /12 to /16 over the space, 70 million
// addresses in all, as lists by country have them.
func countryList() string {
	var b strings.Builder
	for i := range 700 {
		fmt.Fprintf(&b, "%d.%d.0.0/%d ", []int{5, 31, 46, 62, 77, 80, 91, 109, 141, 176, 193, 212}[i%12], i/12*4, 14+i%3)
	}
	return b.String()
}
