package main

import (
	"cmp"
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
	max      int // accounts, processes and claims held; zero: no bound
	names    names

	nodes    []*bookNode
	byID     map[string]uint32
	accounts map[account]*entries
	flows    map[flowtrack.Tuple][]account // by the tuple with its sides in order
	owners   map[netip.Addr][]uint32       // who stands at an address, as an end of flows

	findings           []finding
	notes              []string
	matched, unmatched int

	held     int // of max
	surveyed int // records of the first reading that count
	entered  int // and of the second
	skipped  int // places that cannot be read
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
	spans   []span            // when it counted, by the server's clock, in order and apart
	bare    int               // records without a sequence number
	entered int               // of these, at the second reading
	sent    share             // of the packets that others say they sent to it
	recv    share             // of the packets that others say they received from it
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

// share is a part of a number of packets.
type share struct{ part, all uint64 }

func newBooks() *books {
	return &books{
		byID:     make(map[string]uint32),
		accounts: make(map[account]*entries),
		flows:    make(map[flowtrack.Tuple][]account),
		owners:   make(map[netip.Addr][]uint32),
	}
}

// survey takes what the second reading must know.
func (b *books) survey(rec *records.Record, sum uint64) {
	n := b.node(rec)
	p := n.procs[rec.Logtail.ProcID]
	if p == nil {
		p = &bookProc{sums: make(map[uint64]uint64), first: rec.Pos}
		n.procs[rec.Logtail.ProcID] = p
		b.held++
	}
	if !b.isNew(n, p, rec, sum) {
		return
	}
	b.surveyed++
	n.records++
	p.last = rec.Pos
	p.dropped += rec.DroppedEntries
	if m := rec.Logtail; !m.ServerTime.IsZero() && !m.ClientTime.IsZero() {
		if d := m.ServerTime.Sub(m.ClientTime); !n.timed || d < n.ahead {
			n.ahead, n.timed = d, true
		}
	}
	b.claims(n, rec)
	if !b.hasWindow(rec) {
		return
	}
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
			b.held++
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
	if rec.Logtail.Conflict {
		b.found(rec.Pos, "sequence number used twice", "node %s, process %d, number %d: the receiver had other bytes before",
			b.label(n.num), rec.Logtail.ProcID, seq)
	}
	if !hasSeq(rec) {
		n.bare++
		return true
	}
	if p.seqs.Add(seq) {
		p.sums[seq] = sum
		return true
	}
	if p.sums[seq] != sum && !rec.Logtail.Conflict {
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

// hasWindow reports whether rec tells when it counted. Flows without a time cannot
// be held against anyone, so they are a finding.
func (b *books) hasWindow(rec *records.Record) bool {
	ok := !rec.Start.IsZero() && !rec.End.Before(rec.Start)
	if !ok {
		for range matchable(rec) {
			b.found(rec.Pos, "no window", "flows from %s to %s", rec.Start.UTC().Format(time.RFC3339), rec.End.UTC().Format(time.RFC3339))
			break
		}
	}
	return ok
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
			b.held++
		}
		if rec.Start.Before(c.start) {
			c.start = rec.Start
		}
		if rec.End.After(c.end) {
			c.end = rec.End
		}
	}
}
