package embed

import (
	"encoding/json"
	"net/netip"
	"os/exec"
	"slices"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/internal/records"
	"github.com/go-netlog/netlog/internal/traffictest"
	"github.com/go-netlog/netlog/record"
	"github.com/go-netlog/netlog/tunstats"
)

// books are the sums of the records of a node.
type books struct {
	virtual, subnet, physical map[flowtrack.Tuple]tunstats.Counts

	total tunstats.Counts // of all traffic inside the tunnel, without flags
}

func (n *node) books(t *testing.T) books {
	t.Helper()
	var b books
	in := &records.Input{Paths: []string{n.store}}
	for rec, err := range in.Records() {
		qt.Assert(t, err, qt.IsNil)
		b.virtual = add(b.virtual, rec.VirtualTraffic)
		b.subnet = add(b.subnet, rec.SubnetTraffic)
		b.physical = add(b.physical, rec.PhysicalTraffic)
		for _, class := range [][]record.ConnectionCounts{rec.VirtualTraffic, rec.SubnetTraffic, rec.ExitTraffic} {
			for _, c := range class {
				b.total = b.total.Add(c.Counts)
			}
		}
	}
	b.total.TxFlags, b.total.RxFlags = 0, 0
	return b
}

// add adds the flows of a record to sums.
func add(sums map[flowtrack.Tuple]tunstats.Counts, flows []record.ConnectionCounts) map[flowtrack.Tuple]tunstats.Counts {
	if sums == nil {
		sums = make(map[flowtrack.Tuple]tunstats.Counts)
	}
	for _, c := range flows {
		sums[c.Tuple] = sums[c.Tuple].Add(c.Counts)
	}
	return sums
}

// between returns the flows between two sets of addresses, of which the first are the sources.
func (b books) between(src, dst []netip.Addr) map[flowtrack.Tuple]tunstats.Counts {
	flows := make(map[flowtrack.Tuple]tunstats.Counts)
	for t, c := range b.virtual {
		if slices.Contains(src, t.Src.Addr()) && slices.Contains(dst, t.Dst.Addr()) {
			flows[t] = c
		}
	}
	return flows
}

// swapped returns flows as the other end counts them.
func swapped(flows map[flowtrack.Tuple]tunstats.Counts) map[flowtrack.Tuple]tunstats.Counts {
	other := make(map[flowtrack.Tuple]tunstats.Counts)
	for t, c := range flows {
		t.Src, t.Dst = t.Dst, t.Src
		other[t] = tunstats.Counts{
			TxPackets: c.RxPackets, TxBytes: c.RxBytes, TxFlags: c.RxFlags,
			RxPackets: c.TxPackets, RxBytes: c.TxBytes, RxFlags: c.TxFlags,
		}
	}
	return other
}

// checkBooks checks that the records of both ends agree to the packet and byte: flow by flow, and by netlog verify.
func checkBooks(t *testing.T, a, b *node, addrsOfA, addrsOfB []netip.Addr) {
	t.Helper()
	c := qt.New(t)
	booksOfA, booksOfB := a.books(t), b.books(t)
	fromA := booksOfA.between(addrsOfA, addrsOfB)
	c.Check(booksOfB.between(addrsOfB, addrsOfA), qt.DeepEquals, swapped(fromA))
	var sum tunstats.Counts
	flows := make(map[flowtrack.Proto]int)
	for t, n := range fromA {
		sum = sum.Add(n)
		flows[t.Proto]++
	}
	c.Check(flows[flowtrack.TCP] >= 2 && flows[flowtrack.UDP] >= 2 && flows[flowtrack.ICMPv4] == 1, qt.IsTrue, qt.Commentf("%v", flows))
	t.Logf("%d flows: %d packets (%d bytes) from a to b, %d (%d) from b to a: both ends say the same",
		len(fromA), sum.TxPackets, sum.TxBytes, sum.RxPackets, sum.RxBytes)

	out, err := verify(t, a, b)
	c.Check(err, qt.IsNil, qt.Commentf("%s", out))
	t.Logf("netlog verify -loss 0:\n%s", out)
}

// verify runs netlog verify over the records of both nodes. No packet comes while the nodes stop, so it does not matter
// that a slow machine takes seconds for it.
func verify(t *testing.T, a, b *node) (output string, err error) {
	out, err := exec.CommandContext(t.Context(), a.netlog, "verify", "-loss", "0", "-slack", "30s", a.store, b.store).CombinedOutput()
	return string(out), err
}

// awaitSubnet waits until the flow logs of n know the subnet with the address to, and n itself. It sends datagrams there.
func (n *node) awaitSubnet(t *testing.T, to netip.Addr) {
	t.Helper()
	await(t, "the routes do not arrive", func() bool {
		time.Sleep(200 * time.Millisecond) // a few datagrams are enough
		n.move(t, traffictest.Traffic{Kind: "blast", To: to, Count: 1, Size: 10})
		for flow := range n.books(t).subnet {
			if flow.Dst.Addr() == to {
				return true
			}
		}
		return false
	})
}

// kernel returns the counters of the tunnel interface. Tx is what the host sends into the tunnel.
func (n *node) kernel(t *testing.T) tunstats.Counts {
	t.Helper()
	type counters struct{ Packets, Bytes uint64 }
	var links []struct {
		Stats64 struct{ Rx, Tx counters }
	}
	qt.Assert(t, json.Unmarshal(n.ip(t, "-s", "-j", "link", "show", "dev", n.dev), &links), qt.IsNil)
	qt.Assert(t, links, qt.HasLen, 1)
	rx, tx := links[0].Stats64.Rx, links[0].Stats64.Tx
	return tunstats.Counts{TxPackets: tx.Packets, TxBytes: tx.Bytes, RxPackets: rx.Packets, RxBytes: rx.Bytes}
}

// settle waits until the traffic between a and b has ended.
func settle(t *testing.T, a, b *node) {
	t.Helper()
	state := func() [2]tunstats.Counts { return [2]tunstats.Counts{a.kernel(t), b.kernel(t)} }
	last, since := state(), time.Now()
	await(t, "the traffic does not end", func() bool {
		if now := state(); now != last {
			last, since = now, time.Now()
		}
		return time.Since(since) > 500*time.Millisecond
	})
}
