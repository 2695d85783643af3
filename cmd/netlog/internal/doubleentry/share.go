package doubleentry

import (
	"fmt"
	"math"

	"github.com/go-netlog/netlog/internal/flowtable"
	"github.com/go-netlog/netlog/internal/records"
)

// weigh adds the packets of d to the shares of the nodes at its two ends. The part of a share counts the
// packets that others report for times when the node, by its own records, did not count.
func (b *books) weigh(d *direction) {
	for _, n := range d.sent.responsible() {
		b.nodes[n].recv.add(d.recv.edgeP, d.recv.pkts)
	}
	for _, n := range d.recv.responsible() {
		b.nodes[n].sent.add(d.sent.edgeP, d.sent.pkts)
	}
}

// responsible returns the nodes at one side of a flow, whether they report the flow or not.
func (h *half) responsible() []uint32 {
	if h.nodes != nil {
		return h.nodes
	}
	return h.keepers
}

func (s *share) add(part, all uint64) {
	s.part, s.all = flowtable.Sum(s.part, part), flowtable.Sum(s.all, all)
}

// percent returns the share in percent, rounded up, so that 0 means nothing.
func (s *share) percent() int {
	switch {
	case s.part == 0:
		return 0
	case s.part == s.all:
		return 100
	}
	return int(min(math.Ceil(float64(s.part)*100/float64(s.all)), 99))
}

// checkShares finds nodes whose records cover little of their traffic. A node that omits
// whole processes, starts a new one for every record or shifts its times would escape all
// comparisons. Packets that others sent to an absent node are no sign of that, but packets that
// they received from it are.
func (b *books) checkShares() {
	for _, n := range b.nodes {
		if n.recv.part > n.recv.all-n.recv.part {
			b.found(n.first(), "mostly unchecked", "node %s, in %s: did not count when others received %d of the %d packets that came from it",
				b.label(n.num), flowtable.Plural(len(n.procs), "process"), n.recv.part, n.recv.all)
		}
		if n.bare > 0 {
			b.note("%s of node %s without a sequence number: what is missing among them does not show", flowtable.Plural(n.bare, "record"), b.label(n.num))
		}
	}
}

// first returns the position of the first record of n.
func (n *node) first() (first records.Pos) {
	for _, p := range n.procs {
		if first == (records.Pos{}) || comparePos(p.first, first) < 0 {
			first = p.first
		}
	}
	return first
}

// unchecked describes the share of the packets of n, as others report them, that could not be compared.
func (n *node) unchecked() string {
	if n.sent.part == 0 && n.recv.part == 0 {
		return ""
	}
	return fmt.Sprintf(", unchecked at its edges: %d %% of what it was sent, %d %% of what it sent", n.sent.percent(), n.recv.percent())
}
