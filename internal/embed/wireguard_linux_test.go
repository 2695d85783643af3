package embed

import (
	"bufio"
	"crypto/ecdh"
	"crypto/rand"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/tunstats"
)

const wireguardPort = 51820

// obfuscation has settings of AmneziaWG, which both ends must share.
const obfuscation = "jc=4\njmin=40\njmax=70\ns1=15\ns2=18\nh1=1020325451\nh2=3288052141\nh3=1766607858\nh4=2528465083\n"

// wireguardNode is an end of a tunnel of WireGuard. A subnet behind it is in the allowed IPs of its peer.
type wireguardNode struct {
	*node
	key    *ecdh.PrivateKey
	addrs  []netip.Addr
	subnet netip.Prefix
}

func newWireGuardLab(t *testing.T) (nodes [2]wireguardNode) {
	a, b := newLab(t)
	nodes[0] = wireguardNode{a, newKey(t), []netip.Addr{netip.MustParseAddr("10.9.0.1"), netip.MustParseAddr("fd09::1")}, netip.MustParsePrefix("10.51.0.0/24")}
	nodes[1] = wireguardNode{b, newKey(t), []netip.Addr{netip.MustParseAddr("10.9.0.2"), netip.MustParseAddr("fd09::2")}, netip.MustParsePrefix("10.52.0.0/24")}
	return nodes
}

// peerText returns the part of the configuration that is about n as a peer.
func (n wireguardNode) peerText() string {
	return fmt.Sprintf("public_key=%x\nendpoint=%s:%d\nallowed_ip=%v/32\nallowed_ip=%v/128\nallowed_ip=%v\n",
		n.key.PublicKey().Bytes(), n.under, wireguardPort, n.addrs[0], n.addrs[1], n.subnet)
}

// setAddresses gives the interface of n its addresses.
func (n wireguardNode) setAddresses(t *testing.T) {
	n.ip(t, "addr", "add", n.addrs[0].String()+"/24", "dev", n.dev)
	n.ip(t, "addr", "add", n.addrs[1].String()+"/64", "dev", n.dev, "nodad")
}

// setUp sets the interface of n up, with the route to the subnet behind the peer.
func (n wireguardNode) setUp(t *testing.T, peer wireguardNode) {
	n.ip(t, "link", "set", n.dev, "up")
	n.ip(t, "route", "add", peer.subnet.String(), "dev", n.dev)
}

// TestWireGuard runs wireguard-go, and its fork amneziawg-go, between two namespaces, each with the changes of main.diff.
// The flow logs of one learn their routes from the socket, before any packet, and those of the other with the traffic,
// because the addresses come last.
func TestWireGuard(t *testing.T) {
	needLab(t)
	for _, tt := range []struct {
		module, folder, sockets, settings string
		addressesLast                     bool
	}{
		{"golang.zx2c4.com/wireguard", "wireguard", "/var/run/wireguard", "", false},
		{"github.com/amnezia-vpn/amneziawg-go", "amneziawg", "/var/run/amneziawg", obfuscation, true},
	} {
		t.Run(tt.folder, func(t *testing.T) {
			program := buildChanged(t, tt.module, tt.folder)
			removeLater(t, tt.sockets)
			nodes := newWireGuardLab(t)
			var daemons [2]*process
			for i, n := range nodes {
				daemons[i] = n.start(t, []string{"FLOW_LOGS_DIR=" + n.dir, "LOG_LEVEL=error"}, program, "-f", n.dev)
				daemons[i].waitFor("flows are logged as")
				if !tt.addressesLast {
					n.setAddresses(t)
				}
				device := fmt.Sprintf("private_key=%x\nlisten_port=%d\n%s", n.key.Bytes(), wireguardPort, tt.settings)
				configure(t, tt.sockets+"/"+n.dev+".sock", device+nodes[1-i].peerText())
				if tt.addressesLast {
					daemons[i].waitFor("the flow logs know 0 addresses and 3 allowed IPs")
					n.setAddresses(t)
				} else {
					daemons[i].waitFor("the flow logs know 2 addresses and 3 allowed IPs")
				}
				n.setUp(t, nodes[1-i])
			}
			a, b := nodes[0], nodes[1]
			a.awaitSubnet(t, b.subnet.Addr().Next())
			b.awaitSubnet(t, a.subnet.Addr().Next())
			for i := range a.addrs {
				a.move(t, traffic(b.addrs[i])...)
				b.move(t, traffic(a.addrs[i])...)
			}
			settle(t, a.node, b.node)
			stop(t, daemons[:]...)
			checkBooks(t, a.node, b.node, a.addrs, b.addrs)
			a.checkUnderlay(t, b)
			b.checkUnderlay(t, a)
		})
	}
}

// removeLater removes a directory at the end of the test if the test has created it.
func removeLater(t *testing.T, dir string) {
	if _, err := os.Stat(dir); err != nil {
		t.Cleanup(func() { os.Remove(dir) }) // fails if it is in use by others
	}
}

func newKey(t *testing.T) *ecdh.PrivateKey {
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	qt.Assert(t, err, qt.IsNil)
	return key
}

// configure sets the configuration of a device through its socket, as wg does.
func configure(t *testing.T, socket, config string) {
	t.Helper()
	c := qt.New(t)
	var conn net.Conn
	await(t, "no socket "+socket, func() (ok bool) {
		var err error
		conn, err = net.Dial("unix", socket)
		return err == nil
	})
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	_, err := fmt.Fprintf(conn, "set=1\n%s\n", config)
	c.Assert(err, qt.IsNil)
	answer, err := bufio.NewReader(conn).ReadString('\n')
	c.Assert(err, qt.IsNil)
	c.Assert(strings.TrimSpace(answer), qt.Equals, "errno=0")
}

// checkUnderlay checks that all bytes on the encrypted transport are those of the peer, and more than those inside.
func (n wireguardNode) checkUnderlay(t *testing.T, peer wireguardNode) {
	t.Helper()
	b := n.books(t)
	qt.Assert(t, b.physical, qt.HasLen, 1)
	endpoint := netip.AddrPortFrom(netip.MustParseAddr(peer.under), wireguardPort)
	outer := b.physical[flowtrack.Tuple{Src: netip.AddrPortFrom(peer.addrs[0], 0), Dst: endpoint}]
	var inner tunstats.Counts
	for _, n := range b.between(n.addrs, peer.addrs) {
		inner = inner.Add(n)
	}
	qt.Check(t, outer.TxBytes > inner.TxBytes && outer.RxBytes > inner.RxBytes, qt.IsTrue, qt.Commentf("%+v inside %+v", inner, outer))
}
