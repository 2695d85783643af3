package main

import (
	"net/netip"
	"os/exec"
	"path/filepath"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/traffictest"
)

// TestBooksAgreeWithOpenVPN runs netlogd beside the tun of OpenVPN, of which the kernel counts every
// packet.
func TestBooksAgreeWithOpenVPN(t *testing.T) {
	if _, err := exec.LookPath("openvpn"); err != nil {
		t.Skip("needs openvpn: ", err)
	}
	l := newLab(t)
	c := qt.New(t)
	key := filepath.Join(t.TempDir(), "key")
	sh(t, "openvpn", "--genkey", "secret", key)
	// Over TCP, OpenVPN itself loses no packets.
	start := func(n *node, proto, local, remote, address, peer string) {
		n.start("", "openvpn", "--proto", proto, "--dev", n.dev, "--dev-type", "tun", "--secret", key, "--cipher", "AES-256-CBC",
			"--local", local, "--remote", remote, "--ifconfig", address, peer, "--txqueuelen", "10000").expect("TUN/TAP device")
	}
	start(l.a, "tcp-server", underA, underB, insideA, insideB)
	start(l.b, "tcp-client", underB, underA, insideB, insideA)
	waitFor(t, func() bool {
		return exec.Command("ip", "-n", l.a.name, "route", "add", "10.98.0.0/24", "dev", l.a.dev).Run() == nil
	})
	l.ready()
	beforeA, beforeB := l.a.kernel(), l.b.kernel()
	l.a.startAgent()
	l.b.startAgent()
	inB, behind := netip.MustParseAddr(insideB), netip.MustParseAddr(behindB)
	l.move([]traffictest.Traffic{
		{Kind: "ping", To: inB, Count: 5, Size: 64},
		{Kind: "tcp", To: inB, Count: 1 << 20},
		{Kind: "udp", To: inB, Count: 100, Size: 1000},
		{Kind: "udp", To: inB, Count: 10, Size: 5000}, // in fragments
		{Kind: "blast", To: inB, Count: 500, Size: 1200, Burst: 40},
		{Kind: "tcp", To: behind, Count: 1 << 20},
		{Kind: "ping", To: behind, Count: 5, Size: 64},
	})
	booksA, booksB := l.stop()
	a, b := inside(booksA), inside(booksB)
	checkDoubleEntry(c, a, b)
	c.Check(a.sum(), qt.Equals, less(l.a.kernel(), beforeA))
	c.Check(b.sum(), qt.Equals, less(l.b.kernel(), beforeB))
	l.verify()
	t.Logf("a %+v, b %+v", a.sum(), b.sum())
}
