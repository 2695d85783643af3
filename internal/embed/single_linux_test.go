package embed

import (
	"net/netip"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/traffictest"
	"github.com/go-netlog/netlog/tunstats"
)

// traffic returns traffic of all kinds to an address. Each of the datagrams to it has another port as its source.
func traffic(to netip.Addr) []traffictest.Traffic {
	list := []traffictest.Traffic{
		{Kind: "tcp", To: to, Count: 300_000},
		{Kind: "ping", To: to, Count: 10, Size: 56},
		{Kind: "udp", To: to, Count: 50, Size: 500},
	}
	for range 32 {
		list = append(list, traffictest.Traffic{Kind: "udp", To: to, Count: 3, Size: 100})
	}
	return list
}

// stopAtRest ends the daemons after the traffic, and returns what the kernel has counted.
func stopAtRest(t *testing.T, nodes [2]*node, daemons [2]*process) (kernel [2]tunstats.Counts) {
	t.Helper()
	settle(t, nodes[0], nodes[1])
	for i, n := range nodes {
		n.ip(t, "link", "set", n.dev, "down") // so that no packet follows
		kernel[i] = n.kernel(t)
	}
	stop(t, daemons[:]...)
	return kernel
}

// TestSingle runs the tunnel of single packets between two namespaces. Each record has exactly what the kernel counted.
func TestSingle(t *testing.T) {
	needLab(t)
	a, b := newLab(t)
	program := build(t, "./single", nil)
	nodes := [2]*node{a, b}
	addrs := [2]netip.Addr{netip.MustParseAddr("10.7.0.1"), netip.MustParseAddr("10.7.0.2")}
	var daemons [2]*process
	for i, n := range nodes {
		address := addrs[i].String() + "/24"
		daemons[i] = n.start(t, nil, program, "-dev", n.dev, "-state", n.dir, "-address", address,
			"-listen", n.under+":7000", "-peer", nodes[1-i].under+":7000")
		daemons[i].waitFor("flows are logged as")
		n.ip(t, "addr", "add", address, "dev", n.dev)
		n.ip(t, "link", "set", n.dev, "mtu", "1400", "up")
	}
	a.move(t, traffic(addrs[1])...)
	b.move(t, traffic(addrs[0])...)
	kernel := stopAtRest(t, nodes, daemons)
	for i, n := range nodes {
		qt.Check(t, n.books(t).total, qt.Equals, kernel[i])
	}
	checkBooks(t, a, b, addrs[:1], addrs[1:])
}
