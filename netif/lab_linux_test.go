package netif

import (
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"
	"golang.org/x/sys/unix"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/netif/internal/tuntest"
	"github.com/go-netlog/netlog/tunstats"
)

var (
	local, remote   = netip.MustParseAddr("10.99.0.1"), netip.MustParseAddr("10.99.0.2")
	local6, remote6 = netip.MustParseAddr("fd99::1"), netip.MustParseAddr("fd99::2")
)

// ownNamespace moves the goroutine of the test to a network namespace of its own.
func ownNamespace(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root, to make a network namespace")
	}
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		t.Skip("needs /dev/net/tun: ", err)
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("needs the ip tool (package iproute2): ", err)
	}
	runtime.LockOSThread() // for good: the thread ends with the goroutine, and the namespace with the thread
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Skip("needs network namespaces: ", err)
	}
	ip(t, "link", "set", "lo", "up")
}

func ip(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		t.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

// tun is a TUN device with the addresses local and local6.
type tun struct {
	*tuntest.Tun
	t *testing.T
}

// newTun makes a TUN device. With offload, the kernel exchanges merged packets with it.
func newTun(t *testing.T, name string, offload bool) *tun {
	t.Helper()
	d, err := tuntest.OpenTun(name, offload)
	qt.Assert(t, err, qt.IsNil)
	t.Cleanup(d.Close)
	ip(t, "link", "set", name, "addrgenmode", "none") // no packets of its own at any time
	ip(t, "link", "set", name, "up")
	ip(t, "addr", "add", local.String()+"/24", "dev", name)
	ip(t, "addr", "add", local6.String()+"/64", "dev", name, "nodad")
	d.ReadAll()
	return &tun{d, t}
}

// deliver passes a packet to the kernel.
func (d *tun) deliver(pkt []byte) {
	d.t.Helper()
	qt.Assert(d.t, d.Deliver(pkt), qt.IsNil)
}

// kernelCounts reads the counters of an interface.
func kernelCounts(t *testing.T, name string) (c tunstats.Counts) {
	t.Helper()
	// /sys shows the namespace in which it was mounted, so ask by netlink.
	out, err := exec.Command("ip", "-s", "-s", "link", "show", "dev", name).Output()
	qt.Assert(t, err, qt.IsNil)
	lines := strings.Split(string(out), "\n")
	for n, line := range lines {
		fields := strings.Fields(line)
		if len(fields) == 0 || n+1 >= len(lines) {
			continue
		}
		values := strings.Fields(lines[n+1])
		switch {
		case fields[0] == "RX:" && fields[1] == "bytes":
			c.RxBytes, c.RxPackets = number(values[0]), number(values[1])
		case fields[0] == "TX:" && fields[1] == "bytes":
			c.TxBytes, c.TxPackets = number(values[0]), number(values[1])
		}
	}
	return c
}

func number(s string) (n uint64) {
	for _, c := range s {
		n = n*10 + uint64(c-'0')
	}
	return n
}

// send sends a datagram from the kernel into the interface.
func send(t *testing.T, to netip.Addr, port uint16, size int) {
	t.Helper()
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(to, port)))
	qt.Assert(t, err, qt.IsNil)
	defer conn.Close()
	_, err = conn.Write(make([]byte, size))
	qt.Assert(t, err, qt.IsNil)
}

// udp4 returns a datagram from remote to local.
func udp4(srcPort, dstPort uint16, size int) []byte {
	return tuntest.UDP4(netip.AddrPortFrom(remote, srcPort), netip.AddrPortFrom(local, dstPort), size)
}

func openEnabled(t *testing.T, name string, opts Options) *Interface {
	t.Helper()
	if opts.Logf == nil {
		opts.Logf = t.Logf
	}
	i, err := Open(name, opts)
	qt.Assert(t, err, qt.IsNil)
	t.Cleanup(func() { i.Close() })
	i.SetStatisticsEnabled(true)
	return i
}

// stop turns counting off and returns what was counted.
func stop(i *Interface) map[flowtrack.Tuple]tunstats.Counts {
	i.SetStatisticsEnabled(false)
	return i.ExtractStatistics()
}

func sum(m map[flowtrack.Tuple]tunstats.Counts) (total tunstats.Counts) {
	for _, c := range m {
		total = total.Add(c)
	}
	total.TxFlags, total.RxFlags = 0, 0
	return total
}

// eventually waits until ok returns true.
func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("does not happen")
		}
	}
}
