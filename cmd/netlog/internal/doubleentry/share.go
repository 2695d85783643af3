package doubleentry

import (
	"fmt"
	"math"

	"github.com/go-netlog/netlog/internal/flowtable"
)

// shares are the shares of the packets of a node, as others report them, that were at edges: the node
// did not count then, by its own records. The comparison fills them.
type shares struct{ toIt, fromIt share }

// share is a part of a number of packets.
type share struct{ part, all uint64 }

// add adds packets to s.
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

// addShares adds the packets of d to the shares of the nodes at its two sides.
func (d *direction) addShares() {
	sent, received := d.from.sent(), d.to.received()
	for _, n := range d.from.nodes {
		n.fromIt.add(received.edge.pkts, received.pkts)
	}
	for _, n := range d.to.nodes {
		n.toIt.add(sent.edge.pkts, sent.pkts)
	}
}

// checkShares finds nodes whose records cover little of their traffic. A node that omits
// whole processes, starts a new one for every record or shifts its times would escape all
// comparisons. Packets that others sent to an absent node are no sign of that, but packets that
// they received from it are.
func (s *survey) checkShares() {
	for _, n := range s.nodes {
		if part, all := n.fromIt.part, n.fromIt.all; part > all-part {
			s.found(n.first(), "mostly unchecked",
				"node %s, in %s: did not count when others received %d of the %d packets that came from it",
				n.label, flowtable.Plural(len(n.processes), "process"), part, all)
		}
		if n.unnumbered > 0 {
			s.note("%s of node %s without a sequence number: what is missing among them does not show",
				flowtable.Plural(n.unnumbered, "record"), n.label)
		}
	}
}

// String describes s, if there is anything at edges.
func (s *shares) String() string {
	if s.toIt.part == 0 && s.fromIt.part == 0 {
		return ""
	}
	return fmt.Sprintf(", unchecked at its edges: %d %% of what it was sent, %d %% of what it sent",
		s.toIt.percent(), s.fromIt.percent())
}
