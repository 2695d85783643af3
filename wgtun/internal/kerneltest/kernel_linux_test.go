package kerneltest

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/internal/traffictest"
	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/record"
	"github.com/go-netlog/netlog/tunstats"
	"github.com/go-netlog/netlog/wgtun/internal/wgconf"
)

const (
	window   = 250 * time.Millisecond
	patience = time.Minute // for what must happen
)

// tunnel is a lab with running nodes in a and b.
type tunnel struct {
	a, b, outside *child
	idA, idB      logtail.PublicID
}

// newTunnel starts the nodes. Node b is a subnet router and an exit node. The collectors are those of
// config.
func newTunnel(t *testing.T, offload bool, collectorOfA, collectorOfB string) *tunnel {
	c := qt.New(t)
	l := newLab(t)
	keyA, err := wgconf.NewKey()
	c.Assert(err, qt.IsNil)
	keyB, err := wgconf.NewKey()
	c.Assert(err, qt.IsNil)
	idA, idB := logtail.NewPrivateID(), logtail.NewPrivateID()
	text := func(id logtail.PrivateID) string {
		text, err := id.MarshalText()
		c.Assert(err, qt.IsNil)
		return string(text)
	}
	tn := &tunnel{idA: idA.Public(), idB: idB.Public()}
	tn.outside = l.start(t, l.outside, config{Name: "outside"})
	tn.b = l.start(t, l.b, config{
		Name: "b", Private: keyB.Private, ID: text(idB), Offload: offload, Poll: window,
		Addrs:        prefixes(insideB+"/24", insideB6+"/64"),
		Peer:         wgconf.Peer{Public: keyA.Public, AllowedIP: prefixes(insideA+"/32", insideA6+"/128")},
		SubnetRoutes: prefixes("10.98.0.0/24"),
		Collector:    collectorOfB,
	})
	tn.a = l.start(t, l.a, config{
		Name: "a", Private: keyA.Private, ID: text(idA), Offload: offload, Poll: window,
		Addrs: prefixes(insideA+"/24", insideA6+"/64"),
		Peer: wgconf.Peer{
			Public:    keyB.Public,
			Endpoint:  netip.AddrPortFrom(netip.MustParseAddr(underB), wireguardPort),
			AllowedIP: prefixes(insideB+"/32", insideB6+"/128", "10.98.0.0/24", "0.0.0.0/0"),
		},
		KernelRoutes: []string{"10.98.0.0/24", "default"},
		Collector:    collectorOfA,
	})
	return tn
}

func prefixes(list ...string) (ps []netip.Prefix) {
	for _, s := range list {
		ps = append(ps, netip.MustParsePrefix(s))
	}
	return ps
}

// settle waits until the traffic has ended.
func (tn *tunnel) settle(t *testing.T) {
	state := func() [2]tunstats.Counts {
		return [2]tunstats.Counts{tn.a.ask(command{Op: "state"}).Tally, tn.b.ask(command{Op: "state"}).Tally}
	}
	last := state()
	for range 100 {
		time.Sleep(100 * time.Millisecond)
		now := state()
		if now == last {
			return
		}
		last = now
	}
	t.Fatal("the traffic does not end")
}

// stop stops the tunnel and the Loggers, and returns the counts of both ends.
func (tn *tunnel) stop(t *testing.T) (a, b answer) {
	tn.settle(t)
	tn.a.ask(command{Op: "down"}) // so that no packet follows between the last record and the answer
	tn.b.ask(command{Op: "down"})
	return tn.a.ask(command{Op: "stop"}), tn.b.ask(command{Op: "stop"})
}

// books returns the records of one node.
func (tn *tunnel) books(t *testing.T, id logtail.PublicID) (all []*netlog.Message) {
	for _, r := range tn.outside.ask(command{Op: "records"}).Records {
		if r.ID != id.String() {
			continue
		}
		m := new(netlog.Message)
		qt.Assert(t, json.Unmarshal(r.Entry, m), qt.IsNil, qt.Commentf("%s", r.Entry))
		all = append(all, m)
	}
	return all
}

// flows adds up one class of traffic.
func flows(messages []*netlog.Message, class func(*netlog.Message) []record.ConnectionCounts) map[flowtrack.Tuple]tunstats.Counts {
	sum := make(map[flowtrack.Tuple]tunstats.Counts)
	for _, m := range messages {
		for _, c := range class(m) {
			sum[c.Tuple] = sum[c.Tuple].Add(c.Counts)
		}
	}
	return sum
}

func virtual(m *netlog.Message) []record.ConnectionCounts  { return m.VirtualTraffic }
func subnet(m *netlog.Message) []record.ConnectionCounts   { return m.SubnetTraffic }
func exit(m *netlog.Message) []record.ConnectionCounts     { return m.ExitTraffic }
func physical(m *netlog.Message) []record.ConnectionCounts { return m.PhysicalTraffic }

// total adds up all classes but the underlay, which is the traffic through the tun. It leaves out the TCP flags, which
// the kernel does not count.
func total(messages []*netlog.Message) (sum tunstats.Counts) {
	for _, class := range []func(*netlog.Message) []record.ConnectionCounts{virtual, subnet, exit} {
		for _, c := range flows(messages, class) {
			sum = sum.Add(c)
		}
	}
	sum.TxFlags, sum.RxFlags = 0, 0
	return sum
}

// TestRecordsMatchKernel checks that the records of both ends have exactly the packets and bytes that
// the kernel counted on the interface. With offload the kernel counts large packets, which
// wireguard-go splits and merges, so the records are compared with a tally below wgtun.
func TestRecordsMatchKernel(t *testing.T) {
	needLab(t)
	for _, offload := range []bool{false, true} {
		t.Run(map[bool]string{false: "one packet at a time", true: "with offload"}[offload], func(t *testing.T) {
			c := qt.New(t)
			tn := newTunnel(t, offload, collectorPastTunnel, collectorFromB)
			moveEverything(tn)
			a, b := tn.stop(t)
			booksA, booksB := tn.books(t, tn.idA), tn.books(t, tn.idB)

			c.Check(total(booksA), qt.Equals, a.Tally)
			c.Check(total(booksB), qt.Equals, b.Tally)
			if !offload {
				c.Check(a.Tally, qt.Equals, a.Kernel)
				c.Check(b.Tally, qt.Equals, b.Kernel)
			} else {
				c.Check(a.Kernel.TxPackets < a.Tally.TxPackets, qt.IsTrue, qt.Commentf("the kernel merged nothing: %+v", a))
			}
			checkDoubleEntry(c, flows(booksA, virtual), flows(booksB, virtual))
			checkDoubleEntry(c, flows(booksA, subnet), flows(booksB, subnet))
			checkClasses(c, booksA, booksB)
			checkUnderlay(c, a, booksA)
		})
	}
}

// moveEverything sends every kind of traffic from a.
func moveEverything(tn *tunnel) {
	for _, tr := range []traffictest.Traffic{
		{Kind: "ping", To: netip.MustParseAddr(insideB), Count: 5, Size: 64},
		{Kind: "ping", To: netip.MustParseAddr(insideB6), Count: 5, Size: 64},
		{Kind: "tcp", To: netip.MustParseAddr(insideB), Count: 2 << 20},
		{Kind: "tcp", To: netip.MustParseAddr(insideB6), Count: 1 << 20},
		{Kind: "udp", To: netip.MustParseAddr(insideB), Count: 200, Size: 1000},
		{Kind: "udp", To: netip.MustParseAddr(insideB6), Count: 50, Size: 1000},
		{Kind: "udp", To: netip.MustParseAddr(insideB), Count: 10, Size: 5000}, // in four fragments
		{Kind: "udp", To: netip.MustParseAddr(insideB6), Count: 10, Size: 5000},
		{Kind: "blast", To: netip.MustParseAddr(insideB), Count: 2000, Size: 1200},
		{Kind: "tcp", To: netip.MustParseAddr(outsideBehindB), Count: 1 << 20},
		{Kind: "udp", To: netip.MustParseAddr(outsideBehindB), Count: 50, Size: 100},
		{Kind: "tcp", To: netip.MustParseAddr(internet), Count: 1 << 20},
		{Kind: "ping", To: netip.MustParseAddr(internet), Count: 5, Size: 64},
	} {
		tn.a.ask(command{Op: "move", Traffic: tr})
	}
}

// checkDoubleEntry checks that each flow is in the books of both ends, and that neither received more
// than the other sent. Only the blast, and TCP on a busy machine, may lose packets. Packets that were
// sent one by one must arrive.
func checkDoubleEntry(c *qt.C, a, b map[flowtrack.Tuple]tunstats.Counts) {
	c.Check(len(a) > 0, qt.IsTrue)
	for t, ca := range a {
		if !t.Dst.Addr().IsGlobalUnicast() {
			continue // multicast of the host, which does not pass through WireGuard
		}
		cb, ok := b[flowtrack.Tuple{Proto: t.Proto, Src: t.Dst, Dst: t.Src}]
		note := qt.Commentf("%v: %+v at one end, %+v at the other", t, ca, cb)
		c.Check(ok, qt.IsTrue, note)
		c.Check(cb.RxPackets <= ca.TxPackets && cb.RxBytes <= ca.TxBytes, qt.IsTrue, note)
		c.Check(ca.RxPackets <= cb.TxPackets && ca.RxBytes <= cb.TxBytes, qt.IsTrue, note)
		if t.Proto != flowtrack.TCP && t.Dst.Port() != traffictest.DiscardPort {
			c.Check(ca, qt.Equals, tunstats.Counts{
				TxPackets: cb.RxPackets, TxBytes: cb.RxBytes, RxPackets: cb.TxPackets, RxBytes: cb.TxBytes,
			}, note)
		}
	}
}

// checkClasses checks the classes of the traffic, and that no record contains an internet address.
func checkClasses(c *qt.C, a, b []*netlog.Message) {
	inside := netip.AddrPortFrom(netip.MustParseAddr(insideB), 0)
	me := netip.AddrPortFrom(netip.MustParseAddr(insideA), 0)
	c.Check(flows(a, virtual)[flowtrack.Tuple{Proto: flowtrack.ICMPv4, Src: me, Dst: inside}], qt.Equals,
		tunstats.Counts{TxPackets: 5, TxBytes: 5 * (20 + 64), RxPackets: 5, RxBytes: 5 * (20 + 64)})

	// Only the first of the four fragments of a datagram has ports.
	const later = 3 * 10
	fragments := flows(a, virtual)[flowtrack.Tuple{Proto: flowtrack.UDP, Src: me, Dst: inside}]
	c.Check(fragments.TxPackets, qt.Equals, uint64(later))
	c.Check(fragments.RxPackets, qt.Equals, uint64(later))

	for _, books := range [][]*netlog.Message{a, b} {
		for t, n := range flows(books, exit) {
			c.Check(t, qt.Equals, flowtrack.Tuple{}) // totals only
			c.Check(n.TxBytes > 1<<20 && n.RxBytes > 1<<20, qt.IsTrue, qt.Commentf("%+v", n))
		}
		c.Check(flows(books, exit), qt.HasLen, 1)
		for t := range flows(books, subnet) {
			behind := netip.MustParseAddr(outsideBehindB)
			c.Check(t.Src.Addr() == behind || t.Dst.Addr() == behind, qt.IsTrue, qt.Commentf("%v", t))
		}
		text, err := json.Marshal(books)
		c.Assert(err, qt.IsNil)
		c.Check(strings.Contains(string(text), internet), qt.IsFalse)
	}
}

// checkUnderlay checks that the encrypted bytes are those inside the tunnel plus the overhead of
// WireGuard.
func checkUnderlay(c *qt.C, n answer, books []*netlog.Message) {
	got := flows(books, physical)
	c.Assert(got, qt.HasLen, 1)
	for t, u := range got {
		c.Check(t.Src, qt.Equals, netip.AddrPortFrom(netip.MustParseAddr(insideB), 0))
		c.Check(t.Dst, qt.Equals, netip.AddrPortFrom(netip.MustParseAddr(underB), wireguardPort))
		const overhead, padding, other = 32, 15, 4096 // bytes a packet, and for handshakes and keepalives
		low := n.Tally.RxBytes + overhead*n.Tally.RxPackets
		high := low + padding*n.Tally.RxPackets + other
		c.Check(u.RxBytes >= low && u.RxBytes <= high, qt.IsTrue, qt.Commentf("%d not in [%d, %d]", u.RxBytes, low, high))
		c.Check(u.TxPackets+u.RxPackets, qt.Equals, uint64(0))
	}
}

// TestNodeFallsSilentCollectorBehindTunnel checks that uploads that pass through the tunnel do not
// cause further records.
func TestNodeFallsSilentCollectorBehindTunnel(t *testing.T) {
	needLab(t)
	c := qt.New(t)
	tn := newTunnel(t, true, collectorThroughIt, collectorFromB)
	tn.a.ask(command{Op: "move", Traffic: traffictest.Traffic{Kind: "ping", To: netip.MustParseAddr(insideB), Count: 5, Size: 64}})
	end := time.Now()

	const enough = 6 // windows in a row
	quiet, last := 0, tn.a.ask(command{Op: "state"}).Tally
	for tries := 0; quiet < enough; tries++ {
		c.Assert(tries < 20*enough, qt.IsTrue, qt.Commentf("the node does not fall silent"))
		time.Sleep(window)
		now := tn.a.ask(command{Op: "state"}).Tally
		quiet++
		if now != last {
			quiet, last = 0, now
		}
	}
	books := tn.books(t, tn.idA)
	c.Assert(len(books) > 0, qt.IsTrue)
	for _, m := range books {
		c.Check(m.Start.Before(end.Add(2*window)), qt.IsTrue, qt.Commentf("%v after the end of the traffic: %+v", m.Start.Sub(end), m))
	}
	for t := range flows(books, subnet) {
		c.Check(t.Src.Port() != collectorPort && t.Dst.Port() != collectorPort, qt.IsTrue, qt.Commentf("%v", t))
	}
	tn.a.ask(command{Op: "stop"}) // while the tunnel is up, because it leads to the collector
}
