package deploytest

import (
	"encoding/json"
	"net"
	"net/netip"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog"
)

// newInterface makes the interface wg0 with a network behind it. It is not WireGuard, but netlogd reads any interface.
func newInterface(t *testing.T) {
	t.Helper()
	for _, args := range []string{
		"link add wg0 type veth peer name far", "addr add 10.9.0.1/24 dev wg0",
		"link set wg0 arp off", "link set wg0 up", "link set far up",
	} {
		run(t, ".", "ip", strings.Fields(args)...)
	}
	t.Cleanup(func() { exec.Command("ip", "link", "del", "wg0").Run() })
}

// sendPackets sends n packets of 100 bytes to 10.9.0.2 through wg0.
func sendPackets(t *testing.T, n int) {
	t.Helper()
	conn, err := net.Dial("udp", "10.9.0.2:9")
	qt.Assert(t, err, qt.IsNil)
	defer conn.Close()
	for range n {
		_, err := conn.Write(make([]byte, 72))
		qt.Assert(t, err, qt.IsNil)
	}
}

// sent is what a receiver has stored of the packets to 10.9.0.2.
type sent struct{ packets, bytes uint64 }

// count adds up what is in the output of netlog fmt -json.
func count(t *testing.T, text string) (sum sent) {
	t.Helper()
	lines := json.NewDecoder(strings.NewReader(text))
	for lines.More() {
		var m netlog.Message
		qt.Assert(t, lines.Decode(&m), qt.IsNil)
		for _, c := range m.VirtualTraffic {
			if c.Dst == netip.MustParseAddrPort("10.9.0.2:9") {
				sum.packets += c.TxPackets
				sum.bytes += c.TxBytes
			}
		}
	}
	return sum
}

// TestAgentPod runs netlogd as its manifest says, and a receiver. What was sent through the interface is in the records,
// also after the pod was stopped and started again.
func TestAgentPod(t *testing.T) {
	need(t, "crun", "crun")
	images := buildImages(t)
	newInterface(t)
	a := newAuthority(t)
	receiver, agent := readManifest(t, "netlog.yaml"), readManifest(t, "netlogd.yaml")
	c := newCluster(t, newSecrets(t, a))
	r := c.start("netlog", images["netlog"], receiver.pod, receiver.claims...)
	eventually(t, "the receiver is ready", func() bool { return ready(t, receiver.pod.Containers[0], a.client()) })
	for range 2 {
		p := c.start("netlogd", images["netlogd"], agent.pod)
		p.await("wg0: flows are logged as")
		qt.Check(t, p.confinement(), qt.Equals, "Uid 0; Gid 0; Groups ; "+
			"CapPrm 0000000000003000; CapEff 0000000000003000; CapBnd 0000000000003000; CapAmb 0000000000000000; NoNewPrivs 1; Seccomp 2")
		sendPackets(t, 500)
		qt.Check(t, p.stop(), qt.Equals, 0)
	}
	qt.Check(t, r.stop(), qt.Equals, 0)
	qt.Check(t, r.err.String(), qt.Contains, " of 1 node, refused 0 requests", qt.Commentf("netlogd has kept its ID"))
	text := run(t, ".", filepath.Join(images["netlog"].root, "netlog"), "fmt", "-json", filepath.Join(c.dir, "data", "flows"))
	qt.Check(t, count(t, text), qt.Equals, sent{packets: 1000, bytes: 100_000})
}
