package doubleentry

import (
	"maps"
	"net/netip"
	"slices"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/internal/flowtable"
	"github.com/go-netlog/netlog/internal/records"
	"github.com/go-netlog/netlog/tunstats"
)

// pair is a flow without ports: two addresses and a protocol.
type pair struct {
	proto flowtrack.Proto
	a, b  netip.Addr
}

// direction is one direction of a flow.
type direction struct {
	flow       flowtrack.Tuple // from Src to Dst
	sent, recv half
}

// half is what one side of a flow reports of one direction.
type half struct {
	nodes        []uint32
	keepers      []uint32 // if there are no nodes: the nodes at that side, which do not report this flow
	pkts, bytes  uint64
	edgeP, edgeB uint64 // the part of pkts and bytes while the other side may not have counted
	first, last  records.Pos
	owned        bool // a node or a hub reports this side
}

// checkFlows compares both sides of every flow.
func (b *books) checkFlows() {
	pairs := make(map[pair]map[bool]*direction) // by whether the smaller address is the sender
	bad := make(map[pair]bool)
	silent := make(map[netip.Addr]bool)
	for _, t := range slices.SortedFunc(maps.Keys(b.flows), flowtrack.Tuple.Compare) {
		lo, hi := b.sides(t)
		if lo.nodes == nil || hi.nodes == nil {
			b.unmatched++
		} else {
			b.matched++
		}
		p := pairOf(t)
		for _, forward := range []bool{true, false} {
			d := newDirection(t, &lo, &hi, forward)
			if !d.recv.owned || !d.sent.owned {
				silent[d.silent()] = true
				continue
			}
			b.weigh(&d)
			// If one side has folded the ports away, only the sums can agree.
			if !b.folded[p] && b.judge(&d, "") {
				bad[p] = true
			}
			if pairs[p] == nil {
				pairs[p] = make(map[bool]*direction)
			}
			pairs[p][forward] = pairs[p][forward].add(&d)
		}
	}
	for p, ds := range pairs {
		for _, d := range ds {
			if d.overlaps() {
				b.compared++
			}
			if !bad[p] {
				d.flow.Src, d.flow.Dst = netip.AddrPortFrom(d.flow.Src.Addr(), 0), netip.AddrPortFrom(d.flow.Dst.Addr(), 0)
				b.judge(d, "all flows of ")
			}
		}
	}
	b.reportSilent(silent)
}

// reportSilent reports the addresses without records of their own, for which no hub is used.
func (b *books) reportSilent(addrs map[netip.Addr]bool) {
	for _, a := range slices.SortedFunc(maps.Keys(addrs), netip.Addr.Compare) {
		if b.Complete {
			b.found(records.Pos{}, "missing books", "no node reports as %v, and others talked to it", a)
		} else {
			b.note("no books of %v: what others say of it is not checked", a)
		}
	}
}

// overlaps reports whether both sides report packets, and at least one side reports some
// from a time when the other was counting too.
func (d *direction) overlaps() bool {
	s, r := &d.sent, &d.recv
	return s.nodes != nil && r.nodes != nil && (s.pkts > s.edgeP || r.pkts > r.edgeP)
}

// silent returns the address of the side without records.
func (d *direction) silent() netip.Addr {
	if d.sent.owned {
		return d.flow.Dst.Addr()
	}
	return d.flow.Src.Addr()
}

// flowSide is what the nodes at one side of a flow report.
type flowSide struct {
	nodes       []uint32
	keepers     []uint32 // if there are no nodes
	all, edge   tunstats.Counts
	first, last records.Pos
	owned       bool
	ends        []account // accounts of the nodes that claim to be this side
}

// sides returns what is reported at the two sides of t.
func (b *books) sides(t flowtrack.Tuple) (lo, hi flowSide) {
	for _, a := range b.flows[t] {
		if e := b.accounts[a]; !e.transit {
			s := &lo
			if a.Src != t.Src {
				s = &hi
			}
			s.add(a.node, e)
			if e.virtual {
				s.ends = append(s.ends, a)
			}
		}
	}
	b.overlap(lo.ends)
	b.overlap(hi.ends)
	for i, s := range []*flowSide{&lo, &hi} {
		addr := []netip.AddrPort{t.Src, t.Dst}[i]
		s.owned = b.kept(addr, t)
		for _, a := range b.flows[t] {
			if e := b.accounts[a]; e.used && a.Src == addr {
				s.add(a.node, e)
				s.owned = true
			}
		}
		if s.nodes == nil {
			s.keepers = b.keepers(addr, t)
		}
	}
	return lo, hi
}

// overlap finds nodes that claim to be the same end of a flow at the same time. Two
// routers of one subnet may be, and a node with a new ID follows the old one.
func (b *books) overlap(ends []account) {
	if len(ends) < 2 {
		return
	}
	var stays []stay
	for i, a := range ends {
		for _, s := range b.nodes[a.node].spans {
			stays = append(stays, stay{i, s.start, s.end})
		}
	}
	if i, j, ok := firstMeeting(stays, b.Slack); ok {
		a, c := ends[j], ends[i]
		b.found(b.accounts[a].first, "disagreeing claim", "%v: node %s says that it is %v, and so does node %s at %s",
			a.Tuple, b.label(a.node), a.Src.Addr(), b.label(c.node), flowtable.Clean(b.accounts[c].first.String()))
	}
}

// add adds the account of a node to s.
func (s *flowSide) add(node uint32, e *entries) {
	if s.nodes == nil {
		s.first, s.last = e.first, e.last
	}
	s.nodes = append(s.nodes, node)
	s.all, s.edge = s.all.Add(e.all), s.edge.Add(e.edge)
	s.last = e.last
}

// newDirection returns one direction of t.
func newDirection(t flowtrack.Tuple, lo, hi *flowSide, forward bool) direction {
	if !forward {
		t.Src, t.Dst = t.Dst, t.Src
		lo, hi = hi, lo
	}
	return direction{
		flow: t,
		sent: lo.half(lo.all.TxPackets, lo.all.TxBytes, lo.edge.TxPackets, lo.edge.TxBytes),
		recv: hi.half(hi.all.RxPackets, hi.all.RxBytes, hi.edge.RxPackets, hi.edge.RxBytes),
	}
}

// half returns what s reports of a direction with these counts.
func (s *flowSide) half(pkts, bytes, edgeP, edgeB uint64) half {
	return half{
		nodes: s.nodes, keepers: s.keepers, pkts: pkts, bytes: bytes, edgeP: edgeP, edgeB: edgeB,
		first: s.first, last: s.last, owned: s.owned,
	}
}

// add returns the sum of d and e. d may be nil.
func (d *direction) add(e *direction) *direction {
	if d == nil {
		c := *e
		for _, h := range []*half{&c.sent, &c.recv} {
			h.nodes, h.keepers = slices.Clone(shownOf(h.nodes)), slices.Clone(shownOf(h.keepers))
		}
		return &c
	}
	d.sent.add(&e.sent)
	d.recv.add(&e.recv)
	return d
}

// maxNamed limits the nodes that a finding names.
const maxNamed = 10

// shownOf returns the first nodes, one more than are named, so that a finding can say
// that there are more.
func shownOf(nodes []uint32) []uint32 { return nodes[:min(len(nodes), maxNamed+1)] }

// add adds g to h.
func (h *half) add(g *half) {
	if h.nodes == nil {
		h.first = g.first
	}
	h.nodes, h.keepers = joinShown(h.nodes, g.nodes), joinShown(h.keepers, g.keepers)
	h.pkts, h.bytes = flowtable.Sum(h.pkts, g.pkts), flowtable.Sum(h.bytes, g.bytes)
	h.edgeP, h.edgeB = flowtable.Sum(h.edgeP, g.edgeP), flowtable.Sum(h.edgeB, g.edgeB)
	if g.nodes != nil {
		h.last = g.last
	}
}

// joinShown adds others to nodes, up to the limit of shownOf.
func joinShown(nodes, others []uint32) []uint32 {
	for _, n := range shownOf(others) {
		if len(nodes) <= maxNamed && !slices.Contains(nodes, n) {
			nodes = append(nodes, n)
		}
	}
	return nodes
}

// pairOf returns t without ports.
func pairOf(t flowtrack.Tuple) pair { return pair{t.Proto, t.Src.Addr(), t.Dst.Addr()} }

// hasPorts reports whether packets of protocol p have ports.
func hasPorts(p flowtrack.Proto) bool {
	switch p {
	case flowtrack.TCP, flowtrack.UDP, flowtrack.UDPLite, flowtrack.SCTP, flowtrack.DCCP:
		return true
	}
	return false
}
