package main

import (
	"encoding/json"
	"net/netip"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/internal/traffictest"
	"github.com/go-netlog/netlog/record"
	"github.com/go-netlog/netlog/tunstats"
)

// The lab:
//
//	a ------ 192.0.2.0/30 ------ b       the encrypted transport
//	a ------ 10.97.0.0/30 ------ c       to the collector
//	         b ------ 10.98.0.0/24 ------ c       to the collector, and a subnet that b offers to a
//
//	inside the VPN: 10.99.0.0/24 and fd99::/64
const (
	insideA, insideB   = "10.99.0.1", "10.99.0.2"
	insideA6, insideB6 = "fd99::1", "fd99::2"
	behindB            = "10.98.0.2"
	underA, underB     = "192.0.2.1", "192.0.2.2"
)

// node is a machine with a VPN and netlogd.
type node struct {
	*namespace
	dev     string // the interface of the VPN
	state   string
	collect string // the collector
	subnets string
	agent   *process
}

type lab struct {
	t     *testing.T
	a, b  *node
	c     *namespace
	serve *process
	books
}

// newLab makes the lab without a VPN.
func newLab(t *testing.T) *lab {
	needNamespaces(t)
	l := &lab{t: t, books: newBooks(t), c: newNamespace(t, "c")}
	l.a = &node{namespace: newNamespace(t, "a"), dev: "vpna", state: t.TempDir(), collect: "http://10.97.0.2:8641"}
	l.b = &node{namespace: newNamespace(t, "b"), dev: "vpnb", state: t.TempDir(), collect: "http://10.98.0.2:8641", subnets: "10.98.0.0/24"}
	wire(l.a.namespace, "under", underA+"/30", l.b.namespace, "under", underB+"/30")
	wire(l.a.namespace, "log", "10.97.0.1/30", l.c, "loga", "10.97.0.2/30")
	wire(l.b.namespace, "lan", "10.98.0.1/24", l.c, "lan", "10.98.0.2/24")
	l.c.ip("route", "add", "10.99.0.0/24", "via", "10.98.0.1")
	sh(t, "ip", "netns", "exec", l.b.name, "sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward")
	for _, n := range []*namespace{l.b.namespace, l.c} {
		n.do(func() error {
			stop, err := traffictest.Serve()
			if err == nil {
				t.Cleanup(stop)
			}
			return err
		})
	}
	l.serve = l.c.start("", l.netlog, "serve", "-addr", "0.0.0.0:8641", "-open", "-dir", l.dir)
	l.serve.expect("8641")
	return l
}

// ready waits until packets pass through the VPN.
func (l *lab) ready() {
	l.t.Helper()
	l.a.do(func() (err error) {
		for range 5 {
			if err = (traffictest.Traffic{Kind: "ping", To: netip.MustParseAddr(insideB), Count: 1, Size: 64}).Move(); err == nil {
				return nil
			}
		}
		return err
	})
	l.settle()
}

// move sends traffic from a.
func (l *lab) move(list []traffictest.Traffic) {
	l.t.Helper()
	l.a.do(func() error {
		for _, tr := range list {
			if err := tr.Move(); err != nil {
				return err
			}
		}
		return nil
	})
}

// stop waits for the end of the traffic, stops the agents and the collector, and returns what both
// ends have logged.
func (l *lab) stop() (a, b []*record.Entry) {
	l.t.Helper()
	l.settle()
	for _, n := range []*node{l.a, l.b} {
		qt.Check(l.t, n.agent.stop(syscall.SIGTERM), qt.IsNil)
		qt.Check(l.t, strings.Contains(n.agent.output(), "no room"), qt.IsFalse, qt.Commentf("%s", n.agent.output()))
	}
	qt.Check(l.t, l.serve.stop(syscall.SIGTERM), qt.IsNil)
	return l.of(l.a.id()), l.of(l.b.id())
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
func (l *lab) settle() {
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

// verify checks that netlog verify has no finding.
func (l *lab) verify() {
	l.t.Helper()
	out, err := exec.Command(l.netlog, "verify", "-complete", l.dir).CombinedOutput()
	qt.Check(l.t, err, qt.IsNil, qt.Commentf("%s", out))
	l.t.Logf("netlog verify:\n%s", out)
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
	c.Check(len(a) > 6, qt.IsTrue)
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
