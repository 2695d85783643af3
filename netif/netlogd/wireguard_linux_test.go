package main

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"testing"

	qt "github.com/frankban/quicktest"
	"golang.zx2c4.com/wireguard/wgctrl"
	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"github.com/go-netlog/netlog/internal/traffictest"
	"github.com/go-netlog/netlog/record"
	"github.com/go-netlog/netlog/tunstats"
)

// wireguardLab is a lab in which the VPN is the program of wireguard-go.
type wireguardLab struct {
	*lab
	control *wgctrl.Client
	vpn     map[*node]*process
}

func newWireguardLab(t *testing.T) *wireguardLab {
	l := &wireguardLab{lab: newLab(t), vpn: make(map[*node]*process)}
	c := qt.New(t)
	var err error
	l.control, err = wgctrl.New()
	c.Assert(err, qt.IsNil)
	t.Cleanup(func() { l.control.Close() })
	program := build(t, "golang.zx2c4.com/wireguard")
	keys := make(map[*node]wgtypes.Key)
	for _, n := range []*node{l.a, l.b} {
		// The sockets of WireGuard have the names of the interfaces, for all namespaces.
		n.dev = unique()
		key, err := wgtypes.GeneratePrivateKey()
		c.Assert(err, qt.IsNil)
		keys[n] = key
		l.vpn[n] = n.start("LOG_LEVEL=error", program, "-f", n.dev)
		waitFor(t, func() bool { _, err := l.control.Device(n.dev); return err == nil })
		port := 51820
		l.configure(n, wgtypes.Config{PrivateKey: &key, ListenPort: &port})
		n.ip("link", "set", n.dev, "txqueuelen", "10000") // no drops
		n.ip("link", "set", n.dev, "up")
	}
	l.configure(l.a, peer(keys[l.b], underB+":51820", insideB+"/32", insideB6+"/128", "10.98.0.0/24"))
	l.configure(l.b, peer(keys[l.a], "", insideA+"/32", insideA6+"/128"))
	for n, addrs := range map[*node][2]string{l.a: {insideA, insideA6}, l.b: {insideB, insideB6}} {
		n.ip("addr", "add", addrs[0]+"/24", "dev", n.dev)
		n.ip("addr", "add", addrs[1]+"/64", "dev", n.dev, "nodad")
	}
	l.a.ip("route", "add", "10.98.0.0/24", "dev", l.a.dev)
	l.ready()
	return l
}

func (l *wireguardLab) configure(n *node, cfg wgtypes.Config) {
	l.t.Helper()
	qt.Assert(l.t, l.control.ConfigureDevice(n.dev, cfg), qt.IsNil)
}

func peer(private wgtypes.Key, endpoint string, allowed ...string) wgtypes.Config {
	p := wgtypes.PeerConfig{PublicKey: private.PublicKey()}
	if endpoint != "" {
		p.Endpoint = net.UDPAddrFromAddrPort(netip.MustParseAddrPort(endpoint))
	}
	for _, text := range allowed {
		_, n, _ := net.ParseCIDR(text)
		p.AllowedIPs = append(p.AllowedIPs, *n)
	}
	return wgtypes.Config{Peers: []wgtypes.PeerConfig{p}}
}

// everything is every kind of traffic.
func everything() []traffictest.Traffic {
	b, b6, behind := netip.MustParseAddr(insideB), netip.MustParseAddr(insideB6), netip.MustParseAddr(behindB)
	return []traffictest.Traffic{
		{Kind: "ping", To: b, Count: 5, Size: 64},
		{Kind: "ping", To: b6, Count: 5, Size: 64},
		{Kind: "tcp", To: b, Count: 4 << 20},
		{Kind: "tcp", To: b6, Count: 2 << 20},
		{Kind: "udp", To: b, Count: 200, Size: 1000},
		{Kind: "udp", To: b6, Count: 50, Size: 1000},
		{Kind: "udp", To: b, Count: 10, Size: 5000}, // in fragments
		{Kind: "udp", To: b6, Count: 10, Size: 5000},
		{Kind: "blast", To: b, Count: 2000, Size: 1200, Burst: 40},
		{Kind: "tcp", To: behind, Count: 2 << 20},
		{Kind: "udp", To: behind, Count: 50, Size: 100},
		{Kind: "ping", To: behind, Count: 5, Size: 64},
	}
}

// TestBooksOfBothEndsAgree runs netlogd beside two processes of wireguard-go, and compares what
// both ends logged with each other and with the counters of the kernel.
func TestBooksOfBothEndsAgree(t *testing.T) {
	rounds, _ := strconv.Atoi(os.Getenv("NETLOG_ROUNDS"))
	for round := range max(1, rounds) {
		for _, offload := range []bool{false, true} {
			t.Run(fmt.Sprintf("round %d, offload %v", round, offload), func(t *testing.T) {
				l := newWireguardLab(t)
				if !offload {
					for _, n := range []*node{l.a, l.b} {
						n.ip("link", "set", n.dev, "gso_max_segs", "1")
					}
				}
				l.compareBooks(offload)
			})
		}
	}
}

func (l *wireguardLab) compareBooks(offload bool) {
	c := qt.New(l.t)
	beforeA, beforeB := l.a.kernel(), l.b.kernel()
	l.a.startAgent()
	l.b.startAgent()
	list := everything()
	l.move(list[:6])
	l.configure(l.b, peer(wgtypes.Key{1}, "", "10.99.0.77/32")) // a peer is added and removed
	l.move(list[6:9])
	l.configure(l.b, wgtypes.Config{Peers: []wgtypes.PeerConfig{{PublicKey: wgtypes.Key{1}.PublicKey(), Remove: true}}})
	l.move(list[9:])
	booksA, booksB := l.stop()
	a, b := inside(booksA), inside(booksB)
	checkDoubleEntry(c, a, b)
	checkKernel(c, a.sum(), less(l.a.kernel(), beforeA), offload)
	checkKernel(c, b.sum(), less(l.b.kernel(), beforeB), offload)
	checkClasses(c, booksA, a)
	l.verify()
	l.t.Logf("a %+v, b %+v, kernel a %+v", a.sum(), b.sum(), less(l.a.kernel(), beforeA))
}

// checkKernel compares with the counters of the interface. wireguard-go always passes merged packets
// to the kernel, which counts them as one.
func checkKernel(c *qt.C, got, kernel tunstats.Counts, offload bool) {
	note := qt.Commentf("counted %+v, kernel %+v", got, kernel)
	c.Check(got.RxPackets > kernel.RxPackets && got.RxBytes > kernel.RxBytes, qt.IsTrue, note)
	if offload {
		c.Check(got.TxPackets > kernel.TxPackets && got.TxBytes > kernel.TxBytes, qt.IsTrue, note)
	} else {
		c.Check(got.TxPackets == kernel.TxPackets && got.TxBytes == kernel.TxBytes, qt.IsTrue, note)
	}
}

// checkClasses checks that nothing was taken for exit traffic, and the underlay.
func checkClasses(c *qt.C, entries []*record.Entry, all flows) {
	exit, subnet, physical := make(flows), make(flows), make(flows)
	for _, e := range entries {
		exit.add(e.ExitTraffic)
		subnet.add(e.SubnetTraffic)
		physical.add(e.PhysicalTraffic)
	}
	c.Check(exit, qt.HasLen, 0)
	c.Check(len(subnet) >= 3, qt.IsTrue)
	c.Check(physical, qt.HasLen, 1)
	for t, u := range physical {
		c.Check(t.Src, qt.Equals, netip.AddrPortFrom(netip.MustParseAddr(insideB), 0))
		c.Check(t.Dst.String(), qt.Equals, underB+":51820")
		// The overhead of WireGuard shows that the number of packets is right.
		const overhead, padding, other = 32, 15, 4096 // bytes a packet, and for handshakes and keepalives
		got := all.sum()
		low := got.RxBytes + overhead*got.RxPackets
		high := low + padding*got.RxPackets + other
		c.Check(u.RxBytes >= low && u.RxBytes <= high, qt.IsTrue, qt.Commentf("%d not in [%d, %d]", u.RxBytes, low, high))
	}
}
