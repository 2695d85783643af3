package main

import (
	"cmp"
	"context"
	"errors"
	"hash/maphash"
	"net/netip"
	"time"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/internal/flowtable"
	"github.com/go-netlog/netlog/internal/records"
	"github.com/go-netlog/netlog/tunstats"
)

// books are what several nodes say of their traffic.
//
// They are read twice. The first time tells who reports what and when, the
// second adds up, because what a window may be held against depends on when
// the other node was there to count.
type books struct {
	loss     float64       // percent
	slack    time.Duration // between the ends of two books
	complete bool
	names    names

	nodes    []*bookNode
	byID     map[string]uint32
	accounts map[account]*entries
	flows    map[flowtrack.Tuple][]account // by the tuple with its sides in order
	owners   map[netip.Addr][]uint32       // who stands at an address, as an end of flows

	findings           []finding
	notes              []string
	matched, unmatched int
}

// account is one flow in the books of one node.
type account struct {
	node uint32
	flowtrack.Tuple
}

// entries are what an account comes to.
type entries struct {
	all         tunstats.Counts
	edge        tunstats.Counts // of windows when the other side may not have been there to count
	first, last records.Pos
	virtual     bool
	transit     bool // the node reports both sides, so the flow goes through it
}

// bookNode is one node.
type bookNode struct {
	num     uint32
	id      string
	records int
	procs   map[uint32]*bookProc
	claims  map[string]*claim // node IDs that it gives itself
	ahead   time.Duration     // server time less client time, at its least: latency and clock
	timed   bool              // ahead is known
	longest time.Duration     // of its windows
	spans   []span            // when it counted, by the server's clock, in order
}

// bookProc is one run of a node's daemon: between two of them it did not count.
type bookProc struct {
	seqs        records.Seqs
	sums        map[uint64]uint64 // of the bytes of each record, by sequence number
	start, end  time.Time
	first, last records.Pos
	dropped     uint64 // entries that it says it had to drop
}

// claim is a node ID inside the records.
type claim struct {
	pos        records.Pos
	start, end time.Time
}

type span struct{ start, end time.Time }

func newBooks() *books {
	return &books{
		byID:     make(map[string]uint32),
		accounts: make(map[account]*entries),
		flows:    make(map[flowtrack.Tuple][]account),
		owners:   make(map[netip.Addr][]uint32),
	}
}

// read reads the input twice.
func (b *books) read(ctx context.Context, in *records.Input, p *progress) error {
	defer p.end()
	seed := maphash.MakeSeed()
	for rec, err := range in.Records() {
		if p.show(in); ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			e, ok := errors.AsType[*records.Error](err)
			if !ok {
				return err
			}
			b.found(e.Pos, "unreadable", "%s", flowtable.Clean(e.Err.Error()))
			continue
		}
		b.survey(rec, maphash.Bytes(seed, rec.Raw))
	}
	if len(b.nodes) == 0 {
		return errors.New("no records")
	}
	b.startSecond()
	for rec, err := range in.Records() {
		if p.show(in); ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil {
			b.enter(rec)
		}
	}
	return nil
}

// startSecond makes ready for the second reading.
func (b *books) startSecond() {
	b.arrange()
	for _, n := range b.nodes {
		for _, p := range n.procs {
			p.seqs = records.Seqs{}
		}
	}
}

// survey takes what the second reading must know.
func (b *books) survey(rec *records.Record, sum uint64) {
	n := b.node(rec)
	p := n.procs[rec.Logtail.ProcID]
	if p == nil {
		p = &bookProc{sums: make(map[uint64]uint64), first: rec.Pos}
		n.procs[rec.Logtail.ProcID] = p
	}
	if !b.isNew(n, p, rec, sum) {
		return
	}
	n.records++
	p.last = rec.Pos
	p.dropped += rec.DroppedEntries
	if m := rec.Logtail; !m.ServerTime.IsZero() && !m.ClientTime.IsZero() {
		if d := m.ServerTime.Sub(m.ClientTime); !n.timed || d < n.ahead {
			n.ahead, n.timed = d, true
		}
	}
	if rec.Start.IsZero() {
		return
	}
	b.claims(n, rec)
	if p.start.IsZero() || rec.Start.Before(p.start) {
		p.start = rec.Start
	}
	if rec.End.After(p.end) {
		p.end = rec.End
	}
	n.longest = max(n.longest, rec.End.Sub(rec.Start))
	for class, t := range matchable(rec) {
		k := account{n.num, t.Tuple}
		e := b.accounts[k]
		if e == nil {
			e = &entries{first: rec.Pos}
			b.accounts[k] = e
			id := inOrder(t.Tuple)
			b.flows[id] = append(b.flows[id], k)
		}
		e.last = rec.Pos
		e.virtual = e.virtual || class == flowtable.Virtual
	}
}

// isNew reports whether rec did not come before. Delivery is at least once, so
// the same bytes may come twice; other bytes under the same number may not.
func (b *books) isNew(n *bookNode, p *bookProc, rec *records.Record, sum uint64) bool {
	seq := rec.Logtail.ProcSeq
	if !hasSeq(rec) {
		return true
	}
	if p.seqs.Add(seq) {
		p.sums[seq] = sum
		return true
	}
	if p.sums[seq] != sum {
		b.found(rec.Pos, "sequence number used twice", "node %s, process %d, number %d: other bytes than before",
			b.label(n.num), rec.Logtail.ProcID, seq)
		p.sums[seq] = sum
	}
	return false
}

// hasSeq reports whether the node numbers its entries.
func hasSeq(rec *records.Record) bool {
	return rec.Logtail.ProcSeq != 0 || rec.Logtail.ProcID != 0
}

// nodeID names the node of rec; the file does where nothing else does, which is
// better than to throw all nodes together.
func (b *books) nodeID(rec *records.Record) string {
	return cmp.Or(rec.Reporter(), rec.Pos.File)
}

func (b *books) node(rec *records.Record) *bookNode {
	id := b.nodeID(rec)
	num, ok := b.byID[id]
	if !ok {
		num = uint32(len(b.nodes))
		b.byID[id] = num
		b.nodes = append(b.nodes, &bookNode{num: num, id: id, procs: make(map[uint32]*bookProc), claims: make(map[string]*claim)})
	}
	return b.nodes[num]
}

// claims notes the names that a node gives itself.
func (b *books) claims(n *bookNode, rec *records.Record) {
	for _, id := range []string{rec.NodeID, rec.SrcNode.NodeID} {
		if id == "" {
			continue
		}
		c := n.claims[id]
		if c == nil {
			c = &claim{pos: rec.Pos, start: rec.Start}
			n.claims[id] = c
		}
		if rec.Start.Before(c.start) {
			c.start = rec.Start
		}
		if rec.End.After(c.end) {
			c.end = rec.End
		}
	}
}
