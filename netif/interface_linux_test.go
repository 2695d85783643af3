package netif

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"
	"golang.org/x/sys/unix"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/tunstats"
)

var _ netlog.Device = (*Interface)(nil)

func TestInterfaceCountsBothDirections(t *testing.T) {
	ownNamespace(t)
	c := qt.New(t)
	d := newTun(t, "tun0", false)
	before := kernelCounts(t, "tun0")
	i := openEnabled(t, "tun0", Options{})
	for range 10 {
		d.deliver(udp4(7, 8, 100))
		send(t, remote6, 9, 50)
	}
	send(t, remote, 9, 5000) // in four fragments
	got := stop(i)
	d.ReadAll() // the kernel counts a packet as sent when it is read
	after := kernelCounts(t, "tun0")

	c.Check(got[flowtrack.Tuple{Proto: flowtrack.UDP, Src: netip.AddrPortFrom(local, 8), Dst: netip.AddrPortFrom(remote, 7)}],
		qt.Equals, tunstats.Counts{RxPackets: 10, RxBytes: 10 * 128})
	c.Check(got[flowtrack.Tuple{Proto: flowtrack.UDP, Src: netip.AddrPortFrom(local, 0), Dst: netip.AddrPortFrom(remote, 0)}].TxPackets,
		qt.Equals, uint64(3))
	total := sum(got)
	c.Check(total, qt.Equals, tunstats.Counts{
		TxPackets: after.TxPackets - before.TxPackets, TxBytes: after.TxBytes - before.TxBytes,
		RxPackets: after.RxPackets - before.RxPackets, RxBytes: after.RxBytes - before.RxBytes,
	})
	c.Check(total.TxPackets >= 14, qt.IsTrue, qt.Commentf("%+v", total))
	c.Check(i.LostPackets(), qt.Equals, uint64(0))
}

func TestInterfaceCountsNothingWhileOff(t *testing.T) {
	ownNamespace(t)
	c := qt.New(t)
	d := newTun(t, "tun0", false)
	i, err := Open("tun0", Options{})
	c.Assert(err, qt.IsNil)
	d.deliver(udp4(7, 8, 100))
	i.SetStatisticsEnabled(true)
	d.deliver(udp4(7, 9, 100))
	i.SetStatisticsEnabled(false)
	d.deliver(udp4(7, 10, 100))
	i.SetStatisticsEnabled(true)
	i.SetStatisticsEnabled(false)
	c.Check(i.Close(), qt.IsNil)
	c.Check(i.Close(), qt.IsNil)
	i.SetStatisticsEnabled(true)
	got := make(map[uint16]uint64)
	for tuple, n := range i.ExtractStatistics() {
		if tuple.Proto == flowtrack.UDP { // without the ICMP errors of the kernel
			got[tuple.Src.Port()] = n.RxPackets
		}
	}
	c.Check(got, qt.DeepEquals, map[uint16]uint64{9: 1})
}

// TestInterfaceCountsSegmentsOfMergedPackets checks that a merged packet counts as the packets that
// the VPN carries, in both directions.
func TestInterfaceCountsSegmentsOfMergedPackets(t *testing.T) {
	ownNamespace(t)
	c := qt.New(t)
	d := newTun(t, "tun0", true)
	i := openEnabled(t, "tun0", Options{})

	// Sent: one write of 10 datagrams of 1,000 bytes and one of 500.
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(remote, 9)))
	c.Assert(err, qt.IsNil)
	defer conn.Close()
	raw, err := conn.SyscallConn()
	c.Assert(err, qt.IsNil)
	raw.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_UDP, unix.UDP_SEGMENT, 1000)
	})
	c.Assert(err, qt.IsNil)
	_, err = conn.Write(make([]byte, 10_500))
	c.Assert(err, qt.IsNil)

	// Received: one TCP packet of 3 segments of 1,000 bytes and one of 1.
	tcp := make([]byte, 40+3001)
	copy(tcp, udp4(7, 8, 0))
	tcp[9], tcp[20+12] = 6, 5<<4
	binary.BigEndian.PutUint16(tcp[2:], uint16(len(tcp)))
	d.Header = []byte{needsCsum, gsoTCPv4, 40, 0, 0xe8, 3, 20, 0, 16, 0} // little endian
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		d.Header = []byte{needsCsum, gsoTCPv4, 0, 40, 3, 0xe8, 0, 20, 0, 16}
	}
	d.deliver(tcp)

	got := stop(i)
	sent := flowtrack.Tuple{Proto: flowtrack.UDP, Src: conn.LocalAddr().(*net.UDPAddr).AddrPort(), Dst: netip.AddrPortFrom(remote, 9)}
	c.Check(got[sent], qt.Equals, tunstats.Counts{TxPackets: 11, TxBytes: 10_500 + 11*28})
	received := flowtrack.Tuple{Proto: flowtrack.TCP, Src: netip.AddrPortFrom(local, 8), Dst: netip.AddrPortFrom(remote, 7)}
	c.Check(got[received].RxPackets, qt.Equals, uint64(4))
	c.Check(got[received].RxBytes, qt.Equals, uint64(3001+4*40))
}

func TestInterfaceLoopbackCountsOnce(t *testing.T) {
	ownNamespace(t)
	i := openEnabled(t, "lo", Options{})
	send(t, netip.MustParseAddr("127.0.0.1"), 9, 10)
	// The kernel answers with an ICMP error.
	qt.Check(t, sum(stop(i)), qt.Equals, tunstats.Counts{TxPackets: 2, TxBytes: 38 + 28 + 38})
}

// TestInterfaceFollows checks that an interface is followed when it goes down and up, is renamed,
// changes its MTU, is removed and comes back.
func TestInterfaceFollows(t *testing.T) {
	ownNamespace(t)
	c := qt.New(t)
	d := newTun(t, "tun0", false)
	i := openEnabled(t, "tun0", Options{})
	d.deliver(udp4(1, 8, 100))
	ip(t, "link", "set", "tun0", "down")
	ip(t, "link", "set", "tun0", "up")
	d.deliver(udp4(2, 8, 100))
	ip(t, "link", "set", "tun0", "down")
	ip(t, "link", "set", "tun0", "name", "vpn7", "mtu", "9000")
	ip(t, "link", "set", "vpn7", "up")
	eventually(t, func() bool { return i.Name() == "vpn7" })
	d.deliver(udp4(3, 8, 5000))
	d.Close() // removes the interface
	eventually(t, func() bool { return i.Name() == "tun0" })
	d = newTun(t, "tun0", false)
	waitCounting(t, d, i, 4)
	got := make(map[uint16]uint64)
	for tuple, n := range stop(i) {
		if tuple.Proto == flowtrack.UDP { // without the ICMP errors of the kernel
			got[tuple.Dst.Port()] += n.RxBytes
		}
	}
	c.Check(got[1], qt.Equals, uint64(128))
	c.Check(got[2], qt.Equals, uint64(128))
	c.Check(got[3], qt.Equals, uint64(5028))
}

// waitCounting sends packets from a port until one was counted.
func waitCounting(t *testing.T, d *tun, i *Interface, port uint16) {
	t.Helper()
	woken := make(chan struct{}, 1)
	before := i.Stats().Flows
	i.NotifyActivity(func() {
		select {
		case woken <- struct{}{}:
		default:
		}
	})
	eventually(t, func() bool {
		d.deliver(udp4(port, 8, 100))
		return i.Stats().Flows > before
	})
}

func TestInterfaceWaitsForTheFirst(t *testing.T) {
	ownNamespace(t)
	_, err := Open("tun0", Options{})
	qt.Check(t, err, qt.ErrorMatches, "netif: tun0: no such network interface")
	qt.Check(t, errors.Is(err, fs.ErrNotExist), qt.IsTrue)
	i := openEnabled(t, "tun0", Options{Wait: true})
	waitCounting(t, newTun(t, "tun0", false), i, 7)
}

// TestInterfaceMovedToAnotherNamespaceAndBack checks that an interface is followed when it comes back
// with its old index, also if nobody saw it away.
func TestInterfaceMovedToAnotherNamespaceAndBack(t *testing.T) {
	ownNamespace(t)
	for _, seen := range []bool{true, false} {
		d := newTun(t, "tun0", false)
		i := openEnabled(t, "tun0", Options{})
		back := make(chan struct{})
		if seen {
			close(back)
		}
		i.NotifyActivity(func() { <-back }) // the reader waits inside the first packet
		d.deliver(udp4(7, 8, 100))
		away := exec.Command("unshare", "-n", "sh", "-c", "echo; read moved; ip link set tun0 netns "+strconv.Itoa(unix.Gettid()))
		in, err := away.StdinPipe()
		qt.Assert(t, err, qt.IsNil)
		out, err := away.StdoutPipe()
		qt.Assert(t, err, qt.IsNil)
		qt.Assert(t, away.Start(), qt.IsNil)
		out.Read(make([]byte, 1)) // it has its namespace
		if !seen {
			eventually(t, func() bool { return i.Stats().Flows > 0 })
		}
		ip(t, "link", "set", "tun0", "netns", strconv.Itoa(away.Process.Pid))
		if seen {
			eventually(t, func() bool { return i.tap.current.Load() == nil })
		}
		in.Write([]byte("\n"))
		qt.Assert(t, away.Wait(), qt.IsNil)
		if !seen {
			close(back)
		}
		ip(t, "link", "set", "tun0", "up")
		waitCounting(t, d, i, 9)
		i.Close()
		d.Close()
	}
}

func TestInterfaceTwoTaps(t *testing.T) {
	ownNamespace(t)
	d := newTun(t, "tun0", false)
	one, two := openEnabled(t, "tun0", Options{}), openEnabled(t, "tun0", Options{})
	for range 100 {
		d.deliver(udp4(7, 8, 100))
	}
	tuple := flowtrack.Tuple{Proto: flowtrack.UDP, Src: netip.AddrPortFrom(local, 8), Dst: netip.AddrPortFrom(remote, 7)}
	for _, i := range []*Interface{one, two} {
		qt.Check(t, stop(i)[tuple], qt.Equals, tunstats.Counts{RxPackets: 100, RxBytes: 12_800})
	}
}

// TestInterfaceOverloadIsTold checks that what the ring had no room for, together with what was
// counted, is what was sent.
func TestInterfaceOverloadIsTold(t *testing.T) {
	ownNamespace(t)
	c := qt.New(t)
	d := newTun(t, "tun0", false)
	var told sync.Once
	message := make(chan struct{})
	before := kernelCounts(t, "tun0")
	i := openEnabled(t, "tun0", Options{RingBytes: 1, Logf: func(string, ...any) { told.Do(func() { close(message) }) }})
	sent := make(chan struct{})
	i.NotifyActivity(func() { <-sent }) // the reader waits inside the first packet
	const packets = 20_000
	for range packets {
		d.deliver(udp4(7, 8, 100))
	}
	close(sent)
	got := sum(stop(i))
	<-message
	d.ReadAll()
	after := kernelCounts(t, "tun0")
	lost := i.LostPackets()
	i.Close()
	c.Check(i.tap.ring.read, qt.Equals, i.tap.captured) // all that the kernel had room for was read
	c.Check(got.TxPackets+got.RxPackets+lost, qt.Equals, after.TxPackets+after.RxPackets-before.TxPackets-before.RxPackets)
	c.Check(lost > packets/2, qt.IsTrue, qt.Commentf("%d lost", lost))
	c.Check(got.RxPackets > 100, qt.IsTrue, qt.Commentf("%+v", got))
}

// slowDevice is an Interface whose reader waits inside the first packet.
type slowDevice struct {
	*Interface
	sent <-chan struct{}
}

func (d slowDevice) NotifyActivity(wake func()) {
	if wake == nil {
		d.Interface.NotifyActivity(nil)
		return
	}
	d.Interface.NotifyActivity(func() {
		<-d.sent
		wake()
	})
}

// TestLoggerWritesLostPackets checks that the packets in the records and those that they say are lost
// are those that were sent.
func TestLoggerWritesLostPackets(t *testing.T) {
	ownNamespace(t)
	c := qt.New(t)
	d := newTun(t, "tun0", false)
	before := kernelCounts(t, "tun0")
	i, err := Open("tun0", Options{RingBytes: 1})
	c.Assert(err, qt.IsNil)
	var counted, lost uint64
	l := netlog.Logger{NoUpload: true, PollPeriod: 100 * time.Millisecond, OnRecord: func(m *netlog.Message) {
		lost += m.LostPackets
		for _, f := range slices.Concat(m.VirtualTraffic, m.SubnetTraffic, m.ExitTraffic) {
			counted += f.TxPackets + f.RxPackets
		}
	}}
	sent := make(chan struct{})
	c.Assert(l.Startup(logtail.PrivateID{}, logtail.PrivateID{}, slowDevice{i, sent}, nil), qt.IsNil)
	for range 20_000 {
		d.deliver(udp4(7, 8, 100))
	}
	close(sent)
	c.Assert(l.Shutdown(t.Context()), qt.IsNil)
	d.ReadAll()
	after := kernelCounts(t, "tun0")
	c.Check(i.Close(), qt.IsNil)
	c.Check(lost, qt.Equals, i.LostPackets())
	c.Check(lost > 10_000, qt.IsTrue, qt.Commentf("%d lost", lost))
	c.Check(counted+lost, qt.Equals, after.TxPackets+after.RxPackets-before.TxPackets-before.RxPackets)
}

const childEnv = "NETIF_CHILD" // if set, the test binary opens lo and prints the error

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		if _, err := Open("lo", Options{}); err != nil {
			os.Stdout.WriteString(err.Error())
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestOpenWithoutPrivilegeNamesTheCapability(t *testing.T) {
	exe, err := os.Executable()
	qt.Assert(t, err, qt.IsNil)
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), childEnv+"=1")
	if os.Getuid() == 0 {
		bin, err := os.ReadFile(exe)
		qt.Assert(t, err, qt.IsNil)
		copied, err := os.CreateTemp("/tmp", "netif-test")
		qt.Assert(t, err, qt.IsNil)
		defer os.Remove(copied.Name())
		copied.Write(bin)
		copied.Chmod(0o755)
		copied.Close()
		cmd.Path = copied.Name()
		cmd.Dir = "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	out, err := cmd.CombinedOutput()
	qt.Assert(t, err, qt.IsNil, qt.Commentf("%s", out))
	qt.Check(t, string(out), qt.Equals, "netif: lo: capturing packets needs root or the capability CAP_NET_RAW: operation not permitted")
}
