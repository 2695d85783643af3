package main

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"
	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"github.com/go-netlog/netlog/internal/traffictest"
	"github.com/go-netlog/netlog/netif/internal/tuntest"
	"github.com/go-netlog/netlog/record"
)

// waitPeers waits until the running collector has stored n events of peers of a node, and returns them.
func (b *books) waitPeers(id string, n int) (events []string) {
	b.t.Helper()
	waitFor(b.t, func() bool {
		events = nil
		entries, err := b.sofar(id)
		for _, e := range entries {
			if e.Event == record.EventPeer {
				events = append(events, fmt.Sprintf("%s %s %s %s", e.Peer.Name, e.Peer.State, e.Peer.Address, e.Peer.Endpoint))
			}
		}
		return err == nil && len(events) >= n
	})
	return events
}

// TestAgentReportsPeers changes the port of a, and then removes a from the configuration of b.
func TestAgentReportsPeers(t *testing.T) {
	began := time.Now()
	l := newWireguardLab(t)
	c := qt.New(t)
	names := filepath.Join(t.TempDir(), "nodes")
	c.Assert(os.WriteFile(names, []byte(insideA+" laptop\n"+insideB+" home\n"), 0o600), qt.IsNil)
	l.a.startAgent("-endpoints=false", "-nodes", names)
	l.b.startAgent("-nodes", names)
	sees := func(n *node, want ...string) {
		t.Helper()
		c.Check(l.waitPeers(n.id(), len(want)), qt.DeepEquals, want)
	}
	const none = "invalid AddrPort"
	sees(l.a, "home connected "+insideB+" "+none)
	connected := "laptop connected " + insideA + " " + underA + ":51820"
	sees(l.b, connected)

	port := 51821
	l.configure(l.a, wgtypes.Config{ListenPort: &port})
	l.move([]traffictest.Traffic{{Kind: "ping", To: netip.MustParseAddr(insideB), Count: 3, Size: 64}})
	moved := "laptop moved " + insideA + " " + underA + ":51821"
	sees(l.b, connected, moved)

	device, err := l.control.Device(l.b.dev)
	c.Assert(err, qt.IsNil)
	handshake := device.Peers[0].LastHandshakeTime
	l.configure(l.b, wgtypes.Config{Peers: []wgtypes.PeerConfig{{PublicKey: device.Peers[0].PublicKey, Remove: true}}})
	sees(l.b, connected, moved, "laptop disconnected "+insideA+" "+underA+":51821")
	entriesA, entriesB := l.stop()
	for _, e := range entriesB {
		if e.Event == record.EventPeer {
			c.Check(e.Peer.PublicKey, qt.Equals, device.Peers[0].PublicKey.String())
			// Changing the port may make another one.
			c.Check(e.Peer.LastHandshake.After(began) && !e.Peer.LastHandshake.After(handshake), qt.IsTrue,
				qt.Commentf("%v, and the last one %v", e.Peer.LastHandshake, handshake))
		}
	}
	for _, e := range entriesA {
		c.Check(e.PhysicalTraffic, qt.HasLen, 0) // of -endpoints=false
	}
}

// TestAgentPrintsPeers checks the entries of -json.
func TestAgentPrintsPeers(t *testing.T) {
	began := time.Now()
	l := newWireguardLab(t)
	agent := l.b.start(childEnv+"=1", self(t), "-json", "-endpoints=false", l.b.dev)
	agent.expect(`"event":"peer"`)
	qt.Check(t, agent.stop(syscall.SIGTERM), qt.IsNil)
	line, _, _ := strings.Cut(agent.output()[strings.Index(agent.output(), `{"nodeId"`):], "\n")
	var e record.Entry
	qt.Assert(t, e.UnmarshalJSON([]byte(line)), qt.IsNil)
	host, _ := os.Hostname()
	qt.Check(t, e.NodeID, qt.Equals, host+"/"+l.b.dev)
	qt.Check(t, e.Peer.State, qt.Equals, record.PeerConnected)
	qt.Check(t, e.Peer.Address, qt.Equals, netip.MustParseAddr(insideA))
	qt.Check(t, e.Peer.Endpoint.IsValid(), qt.IsFalse)
	qt.Check(t, e.Peer.LastHandshake.After(began) && e.Peer.LastHandshake.Before(time.Now()), qt.IsTrue)
}

// TestAgentWireGuardHangs stops the process of WireGuard. The agent must end on SIGTERM nevertheless, and deliver.
func TestAgentWireGuardHangs(t *testing.T) {
	l := newWireguardLab(t)
	l.b.startAgent()
	l.waitPeers(l.b.id(), 1)
	qt.Assert(t, l.vpn[l.b].cmd.Process.Signal(syscall.SIGSTOP), qt.IsNil)
	time.Sleep(6 * time.Second) // the agent asks every five
	last := time.AfterFunc(time.Minute, func() { l.b.agent.cmd.Process.Kill() })
	defer last.Stop()
	qt.Check(t, l.b.agent.stop(syscall.SIGTERM), qt.IsNil)
}

// TestAgentWireGuardKilled kills the process of WireGuard, which leaves its socket behind.
func TestAgentWireGuardKilled(t *testing.T) {
	l := newWireguardLab(t)
	l.b.startAgent("-endpoints=false")
	l.waitPeers(l.b.id(), 1)
	l.vpn[l.b].stop(syscall.SIGKILL)
	qt.Check(t, l.waitPeers(l.b.id(), 2)[1], qt.Equals, " disconnected "+insideA+" invalid AddrPort")
	qt.Check(t, l.b.agent.stop(syscall.SIGTERM), qt.IsNil)
}

// TestAgentStartsWhileWireGuardHangs starts an agent when the process of WireGuard does not answer.
func TestAgentStartsWhileWireGuardHangs(t *testing.T) {
	s := newSmall(t)
	name := unique() // of a socket that all namespaces share
	qt.Assert(t, os.MkdirAll("/var/run/wireguard", 0o700), qt.IsNil)
	socket, err := net.Listen("unix", "/var/run/wireguard/"+name+".sock") // never accepts
	qt.Assert(t, err, qt.IsNil)
	t.Cleanup(func() { socket.Close() })
	s.do(func() error {
		tun, err := tuntest.OpenTun(name, false)
		if err == nil {
			t.Cleanup(tun.Close)
		}
		return err
	})
	agent := s.start(childEnv+"=1", self(t), "-json", name)
	agent.expect("flows are logged as")
	agent.expect("the process of WireGuard does not answer")
	qt.Check(t, agent.stop(syscall.SIGTERM), qt.IsNil)
}
