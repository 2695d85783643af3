package main

import (
	"net/netip"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/netif/internal/tuntest"
)

// TestAgentMemory checks the resident memory at rest, and with 100,000 flows in a window.
func TestAgentMemory(t *testing.T) {
	s := newSmall(t)
	collector := s.collector()
	agent := s.start("", build(t, "github.com/go-netlog/netlog/netif/netlogd"), "-state", s.state, "-period", "2s", "tun0")
	agent.expect("flows are logged as")
	resident := func() (kib int) {
		text, err := os.ReadFile("/proc/" + strconv.Itoa(agent.cmd.Process.Pid) + "/status")
		qt.Assert(t, err, qt.IsNil)
		_, rest, _ := strings.Cut(string(text), "VmRSS:")
		kib, err = strconv.Atoi(strings.Fields(rest)[0])
		qt.Assert(t, err, qt.IsNil)
		return kib
	}
	rest := resident()
	const flows = 100_000
	for n := range flows {
		src := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 99, 0, byte(2 + n/50_000)}), uint16(1024+n%50_000))
		qt.Assert(t, s.tun.Deliver(tuntest.UDP4(src, netip.MustParseAddrPort("10.99.0.1:9"), 100)), qt.IsNil)
	}
	busy := resident()
	collector.expect("virtual: ")
	after := resident()
	t.Logf("resident: %d KiB at rest, %d with %d flows, %d later", rest, busy, flows, after)
	qt.Check(t, agent.stop(syscall.SIGTERM), qt.IsNil)
	qt.Check(t, collector.stop(syscall.SIGTERM), qt.IsNil)
	qt.Check(t, s.received(), qt.Equals, uint64(flows))
	qt.Check(t, rest < 32<<10 && busy < 64<<10 && after < 64<<10, qt.IsTrue)
}
