package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"
	"golang.zx2c4.com/wireguard/wgctrl"
	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/netif/internal/traffic"
	"github.com/go-netlog/netlog/record"
	"github.com/go-netlog/netlog/tunstats"
)

// The lab:
//
//	a ------ 192.0.2.0/30 ------ b       the encrypted transport
//	a ------ 10.97.0.0/30 ------ c       to the collector
//	         b ------ 10.98.0.0/24 ------ c       to the collector, and a subnet that b offers to a
//
//	inside the tunnel: 10.99.0.0/24 and fd99::/64
const (
	insideA, insideB   = "10.99.0.1", "10.99.0.2"
	insideA6, insideB6 = "fd99::1", "fd99::2"
	behindB            = "10.98.0.2"
	underB             = "192.0.2.2:51820"
)

// node is a machine with the program of wireguard-go and netlogd.
type node struct {
	*namespace
	dev     string // the WireGuard interface
	key     wgtypes.Key
	state   string
	agent   *process
	subnets string
	collect string
}

type wireguardLab struct {
	t       *testing.T
	a, b    *node
	c       *namespace
	serve   *process
	control *wgctrl.Client
	books
}

func newWireguardLab(t *testing.T) *wireguardLab {
	needNamespaces(t)
	c := qt.New(t)
	l := &wireguardLab{t: t, books: newBooks(t)}
	wireguardGo := build(t, "golang.zx2c4.com/wireguard")
	var err error
	l.control, err = wgctrl.New()
	c.Assert(err, qt.IsNil)
	t.Cleanup(func() { l.control.Close() })
	l.c = newNamespace(t, "c")
	short := os.Getpid() % 100_000 // the sockets of WireGuard have the names of the interfaces, for all namespaces
	l.a = &node{namespace: newNamespace(t, "a"), dev: fmt.Sprintf("nla%d", short), state: t.TempDir(), collect: "http://10.97.0.2:8641"}
	l.b = &node{namespace: newNamespace(t, "b"), dev: fmt.Sprintf("nlb%d", short), state: t.TempDir(), collect: "http://10.98.0.2:8641", subnets: "10.98.0.0/24"}
	wire(l.a.namespace, "under", "192.0.2.1/30", l.b.namespace, "under", "192.0.2.2/30")
	wire(l.a.namespace, "log", "10.97.0.1/30", l.c, "loga", "10.97.0.2/30")
	wire(l.b.namespace, "lan", "10.98.0.1/24", l.c, "lan", "10.98.0.2/24")
	l.c.ip("route", "add", "10.99.0.0/24", "via", "10.98.0.1")
	sh(t, "ip", "netns", "exec", l.b.name, "sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward")

	for _, n := range []*node{l.a, l.b} {
		n.key, err = wgtypes.GeneratePrivateKey()
		c.Assert(err, qt.IsNil)
		n.start("LOG_LEVEL=error", wireguardGo, "-f", n.dev)
		waitFor(l.t, func() bool { _, err := l.control.Device(n.dev); return err == nil })
		port := 51820
		l.configure(n, wgtypes.Config{PrivateKey: &n.key, ListenPort: &port})
		n.ip("link", "set", n.dev, "addrgenmode", "none", "txqueuelen", "10000") // no packets of its own, no drops
		n.ip("link", "set", n.dev, "up")
	}
	l.configure(l.a, peer(l.b.key, underB, insideB+"/32", insideB6+"/128", "10.98.0.0/24"))
	l.configure(l.b, peer(l.a.key, "", insideA+"/32", insideA6+"/128"))
	for n, addrs := range map[*node][2]string{l.a: {insideA, insideA6}, l.b: {insideB, insideB6}} {
		n.ip("addr", "add", addrs[0]+"/24", "dev", n.dev)
		n.ip("addr", "add", addrs[1]+"/64", "dev", n.dev, "nodad")
	}
	l.a.ip("route", "add", "10.98.0.0/24", "dev", l.a.dev)
	for _, n := range []*namespace{l.b.namespace, l.c} {
		n.do(func() error {
			stop, err := traffic.Serve()
			if err == nil {
				t.Cleanup(stop)
			}
			return err
		})
	}
	l.a.do(func() error {
		return retry(traffic.Traffic{Kind: "ping", To: netip.MustParseAddr(insideB), Count: 1, Size: 64}.Move)
	})
	l.serve = l.c.start("", l.netlog, "serve", "-addr", "0.0.0.0:8641", "-open", "-dir", l.dir)
	l.serve.expect("8641")
	return l
}

// retry calls f until it succeeds, while the interfaces come up.
func retry(f func() error) (err error) {
	for range 5 {
		if err = f(); err == nil {
			return nil
		}
	}
	return err
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

// startAgent starts netlogd beside the node. It has returned when no packet is missed any more.
func (n *node) startAgent(flags ...string) {
	n.t.Helper()
	args := append([]string{"-collector", n.collect, "-insecure", "-state", n.state, "-period", "250ms"}, flags...)
	if n.subnets != "" {
		args = append(args, "-subnets", n.subnets)
	}
	n.agent = n.start(childEnv+"=1", self(n.t), append(args, n.dev)...)
	n.agent.expect("flows are logged as")
}

// id returns the file with the identity of the agent.
func (n *node) id() string { return filepath.Join(n.state, n.dev, "id") }

// kernel returns the counters of the interface.
func (n *node) kernel() (c tunstats.Counts) {
	n.t.Helper()
	var links []struct {
		Stats64 struct {
			Rx, Tx struct{ Bytes, Packets uint64 }
		}
	}
	out := sh(n.t, "ip", "-n", n.name, "-s", "-j", "link", "show", "dev", n.dev)
	qt.Assert(n.t, json.Unmarshal([]byte(out), &links), qt.IsNil)
	s := links[0].Stats64
	return tunstats.Counts{TxPackets: s.Tx.Packets, TxBytes: s.Tx.Bytes, RxPackets: s.Rx.Packets, RxBytes: s.Rx.Bytes}
}

// settle waits until the traffic has ended.
func (l *wireguardLab) settle() {
	l.t.Helper()
	last := [2]tunstats.Counts{}
	waitFor(l.t, func() bool {
		time.Sleep(300 * time.Millisecond)
		now := [2]tunstats.Counts{l.a.kernel(), l.b.kernel()}
		same := now == last
		last = now
		return same
	})
}

// everything is every kind of traffic.
func everything() []traffic.Traffic {
	b, b6, behind := netip.MustParseAddr(insideB), netip.MustParseAddr(insideB6), netip.MustParseAddr(behindB)
	return []traffic.Traffic{
		{Kind: "ping", To: b, Count: 5, Size: 64},
		{Kind: "ping", To: b6, Count: 5, Size: 64},
		{Kind: "tcp", To: b, Count: 4 << 20},
		{Kind: "tcp", To: b6, Count: 2 << 20},
		{Kind: "udp", To: b, Count: 200, Size: 1000},
		{Kind: "udp", To: b6, Count: 50, Size: 1000},
		{Kind: "udp", To: b, Count: 10, Size: 5000}, // in fragments
		{Kind: "udp", To: b6, Count: 10, Size: 5000},
		{Kind: "blast", To: b, Count: 2000, Size: 1200},
		{Kind: "tcp", To: behind, Count: 2 << 20},
		{Kind: "udp", To: behind, Count: 50, Size: 100},
		{Kind: "ping", To: behind, Count: 5, Size: 64},
	}
}

// TestBooksOfBothEndsAgree runs netlogd beside two processes of wireguard-go, and compares what
// both ends logged with each other and with the counters of the kernel.
func TestBooksOfBothEndsAgree(t *testing.T) {
	rounds, _ := strconv.Atoi(os.Getenv("NETIF_ROUNDS"))
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
	l.settle()
	beforeA, beforeB := l.a.kernel(), l.b.kernel()
	l.a.startAgent()
	l.b.startAgent()
	l.a.do(func() error {
		for i, tr := range everything() {
			if i == 6 { // a peer is added and removed during traffic
				l.configure(l.b, peer(wgtypes.Key{1}, "", "10.99.0.77/32"))
				defer l.configure(l.b, wgtypes.Config{Peers: []wgtypes.PeerConfig{{PublicKey: wgtypes.Key{1}.PublicKey(), Remove: true}}})
			}
			if err := tr.Move(); err != nil {
				return err
			}
		}
		return nil
	})
	l.settle()
	for _, n := range []*node{l.a, l.b} {
		c.Check(n.agent.stop(syscall.SIGTERM), qt.IsNil)
		c.Check(strings.Contains(n.agent.output(), "no room"), qt.IsFalse, qt.Commentf("%s", n.agent.output()))
	}
	afterA, afterB := l.a.kernel(), l.b.kernel()
	c.Check(l.serve.stop(syscall.SIGTERM), qt.IsNil)
	booksA, booksB := l.of(l.a.id()), l.of(l.b.id())
	a, b := inside(booksA), inside(booksB)
	checkDoubleEntry(c, a, b)
	checkKernel(c, a.sum(), beforeA, afterA, offload)
	checkKernel(c, b.sum(), beforeB, afterB, offload)
	checkClasses(c, booksA, a)
	verify(c, l)
	l.t.Logf("a %+v, b %+v, kernel a %+v", a.sum(), b.sum(), less(afterA, beforeA))
}

func less(x, y tunstats.Counts) tunstats.Counts {
	return tunstats.Counts{
		TxPackets: x.TxPackets - y.TxPackets, TxBytes: x.TxBytes - y.TxBytes,
		RxPackets: x.RxPackets - y.RxPackets, RxBytes: x.RxBytes - y.RxBytes,
	}
}

// checkDoubleEntry checks that both ends have the same flows with the same counts. Only TCP may lose
// packets, which then the receiver does not have.
func checkDoubleEntry(c *qt.C, a, b flows) {
	c.Check(len(a) > 10, qt.IsTrue)
	c.Check(len(a), qt.Equals, len(b))
	for t, ca := range a {
		cb := b[flowtrack.Tuple{Proto: t.Proto, Src: t.Dst, Dst: t.Src}]
		want := tunstats.Counts{
			TxPackets: cb.RxPackets, TxBytes: cb.RxBytes, RxPackets: cb.TxPackets, RxBytes: cb.TxBytes,
			TxFlags: cb.RxFlags, RxFlags: cb.TxFlags,
		}
		note := qt.Commentf("%v: %+v at one end, %+v at the other", t, ca, cb)
		if t.Proto == flowtrack.TCP && ca != want {
			c.Logf("lost: %v: %+v at one end, %+v at the other", t, ca, cb)
			c.Check(cb.RxPackets <= ca.TxPackets && cb.RxBytes <= ca.TxBytes, qt.IsTrue, note)
			c.Check(ca.RxPackets <= cb.TxPackets && ca.RxBytes <= cb.TxBytes, qt.IsTrue, note)
			continue
		}
		c.Check(ca, qt.Equals, want, note)
	}
}

// checkKernel compares with the counters of the interface. wireguard-go always passes merged packets
// to the kernel, which counts them as one.
func checkKernel(c *qt.C, got, before, after tunstats.Counts, offload bool) {
	kernel := less(after, before)
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
		c.Check(t.Dst.String(), qt.Equals, underB)
		// The overhead of WireGuard shows that the number of packets is right.
		const overhead, padding, other = 32, 15, 4096 // bytes a packet, and for handshakes and keepalives
		got := all.sum()
		low := got.RxBytes + overhead*got.RxPackets
		high := low + padding*got.RxPackets + other
		c.Check(u.RxBytes >= low && u.RxBytes <= high, qt.IsTrue, qt.Commentf("%d not in [%d, %d]", u.RxBytes, low, high))
	}
}

// verify checks that netlog verify has no finding.
func verify(c *qt.C, l *wireguardLab) {
	out, err := exec.Command(l.netlog, "verify", "-complete", l.dir).CombinedOutput()
	c.Check(err, qt.IsNil, qt.Commentf("%s", out))
	l.t.Logf("netlog verify:\n%s", out)
}
