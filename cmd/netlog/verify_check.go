package main

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/internal/flowtable"
	"github.com/go-netlog/netlog/internal/records"
	"github.com/go-netlog/netlog/tunstats"
)

// check finds what does not agree.
func (b *books) check() {
	b.checkSequences()
	b.checkClaims()
	b.checkFlows()
}

// checkSequences finds the entries that are missing in the middle of a process.
func (b *books) checkSequences() {
	for _, n := range b.nodes {
		for _, id := range slices.Sorted(maps.Keys(n.procs)) {
			p := n.procs[id]
			gaps := p.seqs.Gaps()
			if first := p.seqs.First(); first > 1 {
				gaps = append([]records.Run{{First: 1, Last: first - 1}}, gaps...)
			}
			if len(gaps) == 0 {
				continue
			}
			var missing uint64
			var list []string
			for _, g := range gaps {
				missing += g.Last - g.First + 1
				if len(list) < 10 {
					list = append(list, runString(g))
				}
			}
			if len(gaps) > len(list) {
				list = append(list, "...")
			}
			told := ""
			if p.dropped > 0 {
				told = fmt.Sprintf("; the node says that it dropped %d", p.dropped)
			}
			b.found(p.first, "sequence gap", "node %s, process %d: %d entries missing (%s)%s",
				b.label(n.num), id, missing, strings.Join(list, ", "), told)
		}
	}
}

func runString(r records.Run) string {
	if r.First == r.Last {
		return fmt.Sprint(r.First)
	}
	return fmt.Sprintf("%d-%d", r.First, r.Last)
}

// checkClaims holds the node IDs inside the records against the public IDs that
// the receiver saw.
func (b *books) checkClaims() {
	type claimant struct {
		node uint32
		*claim
	}
	byClaim := make(map[string][]claimant)
	for _, n := range b.nodes {
		ids := slices.Sorted(maps.Keys(n.claims))
		for _, id := range ids {
			byClaim[id] = append(byClaim[id], claimant{n.num, n.claims[id]})
			if isPublicID(id) && isPublicID(n.id) && !strings.EqualFold(id, n.id) {
				b.found(n.claims[id].pos, "disagreeing claim", "nodeId %s, but logtail.id %s", id, n.id)
			}
		}
		slices.SortFunc(ids, func(x, y string) int { return comparePos(n.claims[x].pos, n.claims[y].pos) })
		for _, id := range ids[min(1, len(ids)):] {
			b.found(n.claims[id].pos, "disagreeing claim", "logtail.id %s has nodeId %q here, %q at %s",
				b.label(n.num), id, ids[0], flowtable.Clean(n.claims[ids[0]].pos.String()))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(byClaim)) {
		cs := byClaim[id]
		for i, c := range cs {
			for _, d := range cs[:i] {
				// One after the other is a node that changed its private ID.
				if c.start.Before(d.end) && d.start.Before(c.end) {
					b.found(c.pos, "disagreeing claim", "nodeId %q of logtail.id %s is that of %s at %s too",
						id, b.label(c.node), b.label(d.node), flowtable.Clean(d.pos.String()))
				}
			}
		}
	}
}

func isPublicID(s string) bool {
	return len(s) == 64 && strings.Trim(s, "0123456789abcdefABCDEF") == ""
}

func comparePos(a, b records.Pos) int {
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
}

// pair are two addresses and a protocol: a flow without ports.
type pair struct {
	proto flowtrack.Proto
	a, b  netip.Addr
}

// direction is one way of a flow: from one side to the other.
type direction struct {
	flow       flowtrack.Tuple // Src sends
	sent, recv half
}

// half is what one side of a flow says of one direction.
type half struct {
	nodes         []uint32
	pkts, bytes   uint64
	edgeP, edgeB  uint64 // of these, when the other side may not have counted
	first, last   records.Pos
	owned, standn bool // someone's books have the address; a hub speaks for it
}

// checkFlows holds both sides of every flow against each other.
func (b *books) checkFlows() {
	folded := make(map[pair]bool)
	for t := range b.flows {
		if hasPorts(t.Proto) && (t.Src.Port() == 0 || t.Dst.Port() == 0) {
			folded[pairOf(t)] = true
		}
	}
	pairs := make(map[pair]map[bool]*direction) // by whether the smaller address sends
	bad := make(map[pair]bool)
	silent := make(map[netip.Addr]int)
	for _, t := range slices.SortedFunc(maps.Keys(b.flows), compareTuples) {
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
				silent[d.silent()]++
				continue
			}
			// One side may have folded ports away where the other has not: only their sums agree then.
			if !folded[p] && b.judge(&d, "") {
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
			if !bad[p] {
				d.flow.Src, d.flow.Dst = netip.AddrPortFrom(d.flow.Src.Addr(), 0), netip.AddrPortFrom(d.flow.Dst.Addr(), 0)
				b.judge(d, "all flows of ")
			}
		}
	}
	b.silent(silent)
}

// silent tells of the addresses that nobody keeps books for.
func (b *books) silent(addrs map[netip.Addr]int) {
	for _, a := range slices.SortedFunc(maps.Keys(addrs), netip.Addr.Compare) {
		if b.complete {
			b.found(records.Pos{}, "missing books", "no node reports as %v, and others talked to it", a)
		} else {
			b.notes = append(b.notes, fmt.Sprintf("no books of %v: what others say of it is not checked", a))
		}
	}
}

func (d *direction) silent() netip.Addr {
	if d.sent.owned {
		return d.flow.Dst.Addr()
	}
	return d.flow.Src.Addr()
}

// side is what those who stand at one side of a flow say.
type flowSide struct {
	nodes       []uint32
	all, edge   tunstats.Counts
	first, last records.Pos
	owned       bool
}

// sides returns what is said at the sides of t. A hub speaks for a side only
// where nobody who keeps books stands there.
func (b *books) sides(t flowtrack.Tuple) (lo, hi flowSide) {
	for _, a := range b.flows[t] {
		if e := b.accounts[a]; !e.transit {
			s := &lo
			if a.Src != t.Src {
				s = &hi
			}
			b.overlap(s, a, e)
			s.add(a.node, e)
		}
	}
	for i, s := range []*flowSide{&lo, &hi} {
		addr := []netip.AddrPort{t.Src, t.Dst}[i]
		s.owned = s.nodes != nil || len(b.owners[addr.Addr()]) > 0
		for _, a := range b.flows[t] {
			if e := b.accounts[a]; !s.owned && e.transit && a.Src == addr {
				s.add(a.node, e)
				s.owned = true
			}
		}
	}
	return lo, hi
}

// overlap finds two nodes that say they are the same end of a flow. Two routers
// of one subnet may be.
func (b *books) overlap(s *flowSide, a account, e *entries) {
	for _, n := range s.nodes {
		if e.virtual && b.accounts[account{n, a.Tuple}].virtual && b.nodes[n].meets(b.nodes[a.node]) {
			b.found(e.first, "disagreeing claim", "%v: node %s says that it is %v, and so does node %s at %s",
				a.Tuple, b.label(a.node), a.Src.Addr(), b.label(n), flowtable.Clean(s.first.String()))
		}
	}
}

// meets reports whether two nodes counted at the same time.
func (n *bookNode) meets(m *bookNode) bool {
	for _, x := range n.spans {
		for _, y := range m.spans {
			if x.start.Before(y.end) && y.start.Before(x.end) {
				return true
			}
		}
	}
	return false
}

func (s *flowSide) add(node uint32, e *entries) {
	if s.nodes == nil {
		s.first, s.last = e.first, e.last
	}
	s.nodes = append(s.nodes, node)
	s.all, s.edge = s.all.Add(e.all), s.edge.Add(e.edge)
	s.last = e.last
}

// newDirection returns one way of t.
func newDirection(t flowtrack.Tuple, lo, hi *flowSide, forward bool) direction {
	if !forward {
		t.Src, t.Dst = t.Dst, t.Src
		lo, hi = hi, lo
	}
	return direction{
		flow: t,
		sent: half{nodes: lo.nodes, pkts: lo.all.TxPackets, bytes: lo.all.TxBytes, edgeP: lo.edge.TxPackets, edgeB: lo.edge.TxBytes,
			first: lo.first, last: lo.last, owned: lo.owned},
		recv: half{nodes: hi.nodes, pkts: hi.all.RxPackets, bytes: hi.all.RxBytes, edgeP: hi.edge.RxPackets, edgeB: hi.edge.RxBytes,
			first: hi.first, last: hi.last, owned: hi.owned},
	}
}

// add adds e to d, which may be nil.
func (d *direction) add(e *direction) *direction {
	if d == nil {
		c := *e
		c.sent.nodes, c.recv.nodes = slices.Clone(e.sent.nodes), slices.Clone(e.recv.nodes)
		return &c
	}
	d.sent.add(&e.sent)
	d.recv.add(&e.recv)
	return d
}

func (h *half) add(g *half) {
	if h.nodes == nil {
		h.first = g.first
	}
	for _, n := range g.nodes {
		if !slices.Contains(h.nodes, n) {
			h.nodes = append(h.nodes, n)
		}
	}
	h.pkts, h.bytes = h.pkts+g.pkts, h.bytes+g.bytes
	h.edgeP, h.edgeB = h.edgeP+g.edgeP, h.edgeB+g.edgeB
	h.last = g.last
}

// judge finds out whether one direction agrees, and reports whether it does not.
//
// Nothing is received that was not sent, so that is exact. What was sent may be
// lost, but where no packet is, no byte is either. What was counted when the
// other side may not have been there is held against nobody.
func (b *books) judge(d *direction, what string) bool {
	s, r := &d.sent, &d.recv
	lost := int64(s.pkts-s.edgeP) - int64(r.pkts)
	lostBytes := int64(s.bytes-s.edgeB) - int64(r.bytes)
	more := r.pkts-r.edgeP > s.pkts || r.bytes-r.edgeB > s.bytes
	allowed := int64(math.Ceil(float64(s.pkts) * b.loss / 100))
	edges := s.edgeP != 0 || s.edgeB != 0 || r.edgeP != 0 || r.edgeB != 0
	kind := ""
	switch {
	case more && s.nodes == nil:
		kind = "flow missing at the sender"
	case more:
		kind = "received more than sent"
	case lost > allowed && r.nodes == nil:
		kind = "flow missing at the receiver"
	case lost > allowed:
		kind = "received less than sent"
	case !edges && s.pkts == r.pkts && s.bytes != r.bytes:
		kind = "bytes differ"
	case lost > 0 && lostBytes > lost*math.MaxUint16:
		kind = "bytes differ" // no packet is so large
	default:
		return false
	}
	pos := r.first
	if r.nodes == nil {
		pos = s.first
	}
	b.found(pos, kind, "%s%v: sent %s, received %s", what, d.flow, b.half(s, d.flow.Src.Addr()), b.half(r, d.flow.Dst.Addr()))
	return true
}

// half writes what one side says, and where it says it.
func (b *books) half(h *half, addr netip.Addr) string {
	if h.nodes == nil {
		var who []string
		for _, n := range b.owners[addr] {
			who = append(who, b.label(n))
		}
		return fmt.Sprintf("nothing (node %s)", strings.Join(who, ", "))
	}
	var who []string
	for _, n := range h.nodes {
		who = append(who, b.label(n))
	}
	where := flowtable.Clean(h.first.String())
	if h.last != h.first {
		if h.last.File == h.first.File {
			where += fmt.Sprintf("-%d", h.last.Line)
		} else {
			where += " to " + flowtable.Clean(h.last.String())
		}
	}
	return fmt.Sprintf("%d packets, %d bytes (node %s, %s)", h.pkts, h.bytes, strings.Join(who, ", "), where)
}

// label names a node.
func (b *books) label(n uint32) string {
	id := b.nodes[n].id
	if name := b.names.node(id); name != "" {
		return flowtable.Clean(name)
	}
	if isPublicID(id) {
		return id[:12]
	}
	return flowtable.Clean(id)
}

func (n *bookNode) start() time.Time {
	if len(n.spans) == 0 {
		return time.Time{}
	}
	return n.spans[0].start
}

func (n *bookNode) end() (end time.Time) {
	for _, s := range n.spans {
		if s.end.After(end) {
			end = s.end
		}
	}
	return end
}

// clock tells how far the node's clock is from the receiver's.
func (n *bookNode) clock() string {
	switch {
	case !n.timed:
		return "not known"
	case n.ahead < 0:
		return fmt.Sprintf("%v ahead", (-n.ahead).Round(time.Millisecond))
	}
	return fmt.Sprintf("at most %v behind", n.ahead.Round(time.Millisecond))
}

func pairOf(t flowtrack.Tuple) pair { return pair{t.Proto, t.Src.Addr(), t.Dst.Addr()} }

func compareTuples(x, y flowtrack.Tuple) int {
	return cmp.Or(x.Src.Compare(y.Src), x.Dst.Compare(y.Dst), cmp.Compare(x.Proto, y.Proto))
}

func hasPorts(p flowtrack.Proto) bool {
	switch p {
	case flowtrack.TCP, flowtrack.UDP, flowtrack.UDPLite, flowtrack.SCTP, flowtrack.DCCP:
		return true
	}
	return false
}
