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

// peerEvents returns the events of peers that the collector has stored of a node.
func (b *books) peerEvents(id string) (events []string) {
	for _, e := range b.of(id) {
		if e.Event == record.EventPeer {
			events = append(events, fmt.Sprintf("%s %s %s %s", e.Peer.Name, e.Peer.State, e.Peer.Address, e.Peer.Endpoint))
		}
	}
	return events
}

// TestAgentReportsPeers changes the port of a, and then removes a from the configuration of b.
func TestAgentReportsPeers(t *testing.T) {
	l := newWireguardLab(t)
	c := qt.New(t)
	names := filepath.Join(t.TempDir(), "nodes")
	c.Assert(os.WriteFile(names, []byte(insideA+" laptop\n"+insideB+" home\n"), 0o600), qt.IsNil)
	l.a.startAgent("-endpoints=false", "-nodes", names)
	l.b.startAgent("-nodes", names)
	sees := func(n *node, want ...string) {
		t.Helper()
		waitFor(t, func() bool { return len(l.peerEvents(n.id())) >= len(want) })
		c.Check(l.peerEvents(n.id()), qt.DeepEquals, want)
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
	for _, e := range l.of(l.b.id()) {
		if e.Event == record.EventPeer {
			c.Check(e.Peer.PublicKey, qt.Equals, device.Peers[0].PublicKey.String())
			before := handshake.Sub(e.Peer.LastHandshake) // changing the port may make another one
			c.Check(before >= 0 && before < time.Minute, qt.IsTrue, qt.Commentf("%v before the last", before))
		}
	}
	entries, _ := l.stop()
	for _, e := range entries {
		c.Check(e.PhysicalTraffic, qt.HasLen, 0) // of -endpoints=false
	}
}

// TestAgentPrintsPeers checks the entries of -json.
func TestAgentPrintsPeers(t *testing.T) {
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
	qt.Check(t, time.Since(e.Peer.LastHandshake) < time.Minute, qt.IsTrue)
}

// TestAgentWireGuardHangs stops the process of WireGuard. The agent must end on SIGTERM nevertheless, and deliver.
func TestAgentWireGuardHangs(t *testing.T) {
	l := newWireguardLab(t)
	l.b.startAgent()
	waitFor(t, func() bool { return len(l.peerEvents(l.b.id())) == 1 })
	qt.Assert(t, l.vpn[l.b].cmd.Process.Signal(syscall.SIGSTOP), qt.IsNil)
	time.Sleep(6 * time.Second) // the agent asks every five
	last := time.AfterFunc(20*time.Second, func() { l.b.agent.cmd.Process.Kill() })
	defer last.Stop()
	qt.Check(t, l.b.agent.stop(syscall.SIGTERM), qt.IsNil)
}

// TestAgentWireGuardKilled kills the process of WireGuard, which leaves its socket behind.
func TestAgentWireGuardKilled(t *testing.T) {
	l := newWireguardLab(t)
	l.b.startAgent("-endpoints=false")
	waitFor(t, func() bool { return len(l.peerEvents(l.b.id())) == 1 })
	l.vpn[l.b].stop(syscall.SIGKILL)
	waitFor(t, func() bool { return len(l.peerEvents(l.b.id())) == 2 })
	qt.Check(t, l.peerEvents(l.b.id())[1], qt.Equals, " disconnected "+insideA+" invalid AddrPort")
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
