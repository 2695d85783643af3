package embed

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"
	"github.com/slackhq/nebula/cert"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/internal/traffictest"
	"github.com/go-netlog/netlog/tunstats"
)

// authority is a certificate authority of Nebula that lives for one test.
type authority struct {
	cert cert.Certificate
	key  ed25519.PrivateKey
}

func newAuthority(t *testing.T) authority {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	qt.Assert(t, err, qt.IsNil)
	crt, err := lifetime(cert.TBSCertificate{Name: "test", IsCA: true, PublicKey: public}).Sign(nil, cert.Curve_CURVE25519, private)
	qt.Assert(t, err, qt.IsNil)
	return authority{crt, private}
}

// lifetime returns a certificate to sign that is valid now.
func lifetime(crt cert.TBSCertificate) *cert.TBSCertificate {
	now := time.Now().Truncate(time.Second)
	crt.Version, crt.Curve = cert.Version2, cert.Curve_CURVE25519
	crt.NotBefore, crt.NotAfter = now.Add(-time.Hour), now.Add(time.Hour-time.Minute)
	if crt.IsCA {
		crt.NotAfter = now.Add(time.Hour)
	}
	return &crt
}

// pki returns the section pki of the configuration of a host.
func (ca authority) pki(t *testing.T, name string, networks, subnets []netip.Prefix) map[string]any {
	c := qt.New(t)
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	c.Assert(err, qt.IsNil)
	host := lifetime(cert.TBSCertificate{Name: name, Networks: networks, UnsafeNetworks: subnets, PublicKey: key.PublicKey().Bytes()})
	crt, err := host.Sign(ca.cert, cert.Curve_CURVE25519, ca.key)
	c.Assert(err, qt.IsNil)
	text, err := crt.MarshalPEM()
	c.Assert(err, qt.IsNil)
	caText, err := ca.cert.MarshalPEM()
	c.Assert(err, qt.IsNil)
	return map[string]any{
		"ca":   string(caText),
		"cert": string(text),
		"key":  string(cert.MarshalPrivateKeyToPEM(cert.Curve_CURVE25519, key.Bytes())),
	}
}

// writeNebula writes the configuration of n. The firewall admits what traffic returns, and all that is for subnet. Hosts
// other than the owner of the subnet get a route to it, if via is valid.
func (n *node) writeNebula(t *testing.T, routines int, pki, hosts map[string]any, via netip.Addr) {
	rule := func(proto, port string) any { return map[string]any{"proto": proto, "port": port, "host": "any"} }
	tun := map[string]any{"dev": n.dev, "tx_queue": 5000}
	if via.IsValid() {
		tun["unsafe_routes"] = []any{map[string]any{"route": subnet.String(), "via": via.String()}}
	}
	text, err := json.Marshal(map[string]any{ // which is YAML too
		"pki":             pki,
		"static_host_map": hosts,
		"listen":          map[string]any{"host": n.under, "port": 4242},
		"tun":             tun,
		"routines":        routines,
		"firewall": map[string]any{
			"inbound": []any{rule("icmp", "any"), rule("tcp", "7"), rule("udp", "7"),
				map[string]any{"proto": "any", "port": "any", "host": "any", "local_cidr": subnet.String()}},
			"outbound": []any{rule("any", "any")},
		},
		"flow_logs": map[string]any{"dir": n.dir},
	})
	qt.Assert(t, err, qt.IsNil)
	qt.Assert(t, os.WriteFile(n.nebulaFile(), text, 0o600), qt.IsNil)
}

func (n *node) nebulaFile() string { return filepath.Join(n.dir, "nebula.yml") }

// subnet is behind the second host.
var subnet = netip.MustParsePrefix("10.60.0.0/24")

// nebulaLab has two hosts of Nebula.
type nebulaLab struct {
	nodes   [2]*node
	daemons [2]*process
	addrs   [2][]netip.Addr
	pki     [2]map[string]any
	hosts   map[string]any
}

func newNebulaLab(t *testing.T, routines int) (l nebulaLab) {
	program := build(t, "./nebula", nil)
	l.nodes[0], l.nodes[1] = newLab(t)
	networks := [2][]netip.Prefix{
		{netip.MustParsePrefix("10.42.0.1/24"), netip.MustParsePrefix("fd42::1/64")},
		{netip.MustParsePrefix("10.42.0.2/24"), netip.MustParsePrefix("fd42::2/64")},
	}
	subnets := [2][]netip.Prefix{nil, {subnet}}
	l.hosts = make(map[string]any)
	ca := newAuthority(t)
	for i, n := range l.nodes {
		for _, network := range networks[i] {
			l.addrs[i] = append(l.addrs[i], network.Addr())
			l.hosts[network.Addr().String()] = []string{n.under + ":4242"}
		}
		l.pki[i] = ca.pki(t, n.ns, networks[i], subnets[i])
	}
	for i, n := range l.nodes {
		n.writeNebula(t, routines, l.pki[i], l.hosts, netip.Addr{})
		l.daemons[i] = n.start(t, nil, program, n.nebulaFile())
		l.daemons[i].waitFor("Nebula interface is active")
	}
	return l
}

// TestNebula runs Nebula with one queue and with four between two namespaces. Each record has exactly what the kernel
// counted, so no queue is missing.
func TestNebula(t *testing.T) {
	needLab(t)
	for _, routines := range []int{1, 4} {
		t.Run(fmt.Sprintf("routines=%d", routines), func(t *testing.T) {
			l := newNebulaLab(t, routines)
			a, b := l.nodes[0], l.nodes[1]
			for i := range l.addrs[0] {
				a.move(t, traffic(l.addrs[1][i])...)
				b.move(t, traffic(l.addrs[0][i])...)
			}
			kernel := stopAtRest(t, l.nodes, l.daemons)
			for i, n := range l.nodes {
				qt.Check(t, n.books(t).total, qt.Equals, kernel[i])
			}
			checkBooks(t, a, b, l.addrs[0], l.addrs[1])
		})
	}
}

// TestNebulaFirewall: what the firewall of a host refuses is in the records of the sender, and as a loss in the findings
// of netlog verify. The tun of the receiver never sees it, and Nebula tells nobody.
func TestNebulaFirewall(t *testing.T) {
	needLab(t)
	l := newNebulaLab(t, 1)
	a, b := l.nodes[0], l.nodes[1]
	to := l.addrs[1][0]
	a.move(t, traffic(to)...)
	a.move(t, traffictest.Traffic{Kind: "blast", To: to, Count: 5, Size: 100})
	stopAtRest(t, l.nodes, l.daemons)
	sent := func(flows map[flowtrack.Tuple]tunstats.Counts) (n uint64) {
		for t, c := range flows {
			if t.Dst == netip.AddrPortFrom(to, traffictest.DiscardPort) {
				n += c.TxPackets
			}
		}
		return n
	}
	qt.Check(t, sent(a.books(t).virtual), qt.Equals, uint64(5))
	qt.Check(t, sent(swapped(b.books(t).virtual)), qt.Equals, uint64(0))
	out, err := verify(t, a, b)
	qt.Check(t, err, qt.ErrorMatches, "exit status 1", qt.Commentf("%s", out))
	t.Logf("netlog verify -loss 0:\n%s", out)
	qt.Check(t, out, qt.Contains, ", 1 finding")
}

// TestNebulaReload adds the route to a subnet behind the other host to the configuration of one that runs. Both have its
// flows as subnet traffic then.
func TestNebulaReload(t *testing.T) {
	needLab(t)
	l := newNebulaLab(t, 1)
	a, b := l.nodes[0], l.nodes[1]
	a.move(t, traffic(l.addrs[1][0])...)
	a.writeNebula(t, 1, l.pki[0], l.hosts, l.addrs[1][0])
	qt.Assert(t, l.daemons[0].cmd.Process.Signal(syscall.SIGHUP), qt.IsNil)
	to := subnet.Addr().Next()
	a.awaitSubnet(t, to)
	stopAtRest(t, l.nodes, l.daemons)
	sent, received := a.books(t).subnet, b.books(t).subnet
	qt.Check(t, len(sent) > 0 && len(received) > 0, qt.IsTrue)
	for flow, n := range swapped(sent) {
		qt.Check(t, received[flow], qt.Equals, n)
	}
}
