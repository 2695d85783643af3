package page

import (
	"net/netip"
	"time"
	"unicode/utf8"

	"github.com/go-netlog/netlog/internal/records"
	"github.com/go-netlog/netlog/record"
)

// Bounds of nodes, a few MiB in all.
const (
	maxNodes     = 4096
	maxAddresses = 1 << 14 // with the names that records give them
	maxName      = 64      // bytes that are kept of such a name
)

// nodes holds what is known of the nodes that sent entries. The number of a node is its index in list.
type nodes struct {
	byID  map[string]uint32
	list  []*node
	names map[netip.Addr]string
}

// node is one sender of entries.
type node struct {
	id      string
	name    string // that it reports
	seen    time.Time
	skew    time.Duration // its clock minus ours; the delay of sending makes it smaller
	skewAt  int64         // the step of skew
	gaps    int64         // entries that did not arrive
	dropped uint64        // entries that it had to drop
	procs   [2]process    // the latest ones
}

// process remembers the last numbers that one process of a node sent.
type process struct {
	id   uint32
	last uint64            // the largest; 0: none
	seen [seenWords]uint64 // by number, modulo their count
}

const seenWords = 4 // for 256 numbers

// add notes the entry r. It returns the number of its node, and false if r is a duplicate, or if there
// are too many nodes.
func (n *nodes) add(r *records.Record, now time.Time) (number uint32, ok bool) {
	number, ok = n.number(r.Reporter(), now)
	if !ok {
		return 0, false
	}
	d := n.list[number]
	if now.After(d.seen) {
		d.seen = now
	}
	if r.HasSeq() && !r.Logtail.Conflict && !d.isNew(r.Logtail.ProcID, r.Logtail.ProcSeq) {
		return 0, false
	}
	addTo(&d.dropped, r.DroppedEntries)
	if t := r.Logtail.ClientTime; !t.IsZero() {
		if skew, step := t.Sub(now), stepOf(now); step > d.skewAt || skew > d.skew {
			d.skew, d.skewAt = skew, step
		}
	}
	if name := r.SrcNode.Name; name != "" || r.NodeID != "" && len(r.NodeID) != len(d.id) {
		if name == "" {
			name = r.NodeID
		}
		d.name = short(name)
	}
	n.learn(&r.SrcNode)
	for i := range r.DstNodes {
		n.learn(&r.DstNodes[i])
	}
	return number, true
}

// number returns the number of the node with an ID. A new one may replace a node that was silent
// for an hour.
func (n *nodes) number(id string, now time.Time) (uint32, bool) {
	if i, ok := n.byID[id]; ok {
		return i, true
	}
	if n.byID == nil {
		n.byID, n.names = make(map[string]uint32), make(map[netip.Addr]string)
	}
	i := len(n.list)
	if i == maxNodes {
		i = 0
		for j, d := range n.list {
			if d.seen.Before(n.list[i].seen) {
				i = j
			}
		}
		if now.Sub(n.list[i].seen) < 2*hourSteps*stepSeconds*time.Second { // it may still have flows
			return 0, false
		}
		delete(n.byID, n.list[i].id)
	} else {
		n.list = append(n.list, nil)
	}
	n.list[i] = &node{id: id}
	n.byID[id] = uint32(i)
	return uint32(i), true
}

// learn remembers the name of a node for its addresses. If there are too many, all are forgotten
// and learned again.
func (n *nodes) learn(r *record.Node) {
	for _, a := range r.Addresses {
		if r.Name == "" {
			return
		}
		if len(n.names) >= maxAddresses {
			clear(n.names)
		}
		if n.names[a] != r.Name {
			n.names[a] = short(r.Name)
		}
	}
}

// short returns at most maxName bytes of a name.
func short(name string) string {
	if len(name) <= maxName {
		return name
	}
	n := maxName
	for !utf8.RuneStart(name[n]) {
		n--
	}
	return name[:n] + "..."
}

// isNew reports whether an entry has not been received before, and counts the gaps in the numbers.
func (d *node) isNew(proc uint32, seq uint64) bool {
	p := &d.procs[0]
	if p.last == 0 || p.id != proc {
		if d.procs[1].id != proc || d.procs[1].last == 0 {
			d.procs[1] = process{id: proc, last: seq - min(seq, 1)}
		}
		d.procs[0], d.procs[1] = d.procs[1], d.procs[0]
	}
	const window = seenWords * 64
	bit := func(n uint64) (word *uint64, mask uint64) { return &p.seen[n/64%seenWords], 1 << (n % 64) }
	switch word, mask := bit(seq); {
	case seq > p.last:
		d.gaps += int64(min(seq-p.last-1, 1<<32))
		for n := p.last + 1; n < seq && n <= p.last+window; n++ {
			word, mask := bit(n)
			*word &^= mask
		}
		*word |= mask
		p.last = seq
		return true
	case p.last-seq >= window || *word&mask != 0:
		return false
	default: // late
		*word |= mask
		d.gaps = max(0, d.gaps-1)
		return true
	}
}
