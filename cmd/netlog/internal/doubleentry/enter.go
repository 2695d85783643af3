package doubleentry

import (
	"time"

	"github.com/go-netlog/netlog/internal/flowtable"
	"github.com/go-netlog/netlog/internal/records"
)

// survey collects what the second reading needs from rec. sum is the hash of the record.
func (b *books) survey(rec *records.Record, sum uint64) {
	n := b.node(rec)
	p := n.procs[rec.Logtail.ProcID]
	if p == nil {
		p = &process{sums: make(map[uint64]uint64), first: rec.Pos}
		n.procs[rec.Logtail.ProcID] = p
		b.held++
	}
	if !b.isNew(n, p, rec, sum) {
		return
	}
	b.surveyed++
	n.records++
	p.last = rec.Pos
	p.dropped = flowtable.Sum(p.dropped, rec.DroppedEntries)
	n.lost = flowtable.Sum(n.lost, rec.LostPackets)
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

// isNew reports whether rec has not been seen. Delivery is at least once, so a record may
// come again. Another record with the same number is a finding.
func (b *books) isNew(n *node, p *process, rec *records.Record, sum uint64) bool {
	seq := rec.Logtail.ProcSeq
	if rec.Logtail.Conflict {
		b.found(rec.Pos, "sequence number used twice", "node %s, process %d, number %d: the receiver had other bytes before",
			b.label(n.num), rec.Logtail.ProcID, seq)
	}
	if !rec.HasSeq() {
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

// hasWindow reports whether rec has a valid window. Flows without one cannot be compared,
// which is a finding.
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

// claims records the node IDs that n claims in rec.
func (b *books) claims(n *node, rec *records.Record) {
	for _, said := range []struct{ member, id string }{{"nodeId", rec.NodeID}, {"srcNode.nodeId", rec.SrcNode.NodeID}} {
		if said.id == "" {
			continue
		}
		c := n.claims[said.id]
		if c == nil {
			c = &claim{member: said.member, pos: rec.Pos, start: rec.Start}
			n.claims[said.id] = c
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

// enter adds the flows of rec to their accounts. It ignores records that were not there
// at the first reading, as a running collector adds them.
func (b *books) enter(rec *records.Record) {
	num, known := b.byID[b.nodeID(rec)]
	if !known {
		return
	}
	n := b.nodes[num]
	p := n.procs[rec.Logtail.ProcID]
	if p == nil {
		return
	}
	if rec.HasSeq() {
		if _, surveyed := p.sums[rec.Logtail.ProcSeq]; !surveyed || !p.seqs.Add(rec.Logtail.ProcSeq) {
			return
		}
	} else if n.entered++; n.entered > n.bare { // a file grows at its end
		return
	}
	if b.entered++; rec.Start.IsZero() || rec.End.Before(rec.Start) {
		return
	}
	w := span{start: rec.Start.Add(n.ahead), end: rec.End.Add(n.ahead)}
	for _, t := range matchable(rec) {
		e := b.accounts[account{n.num, t.Tuple}]
		if e == nil {
			continue
		}
		e.all = e.all.Add(t.Counts)
		if !b.counted(n.num, &t.Tuple, w) {
			e.edge = e.edge.Add(t.Counts)
		}
	}
}
