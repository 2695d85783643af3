package doubleentry

import (
	"fmt"
	"math"
	"math/bits"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/internal/flowtable"
)

// direction is one direction of a flow, or of all flows of a pair.
type direction struct {
	flow     flowtrack.Tuple // from the sender to the receiver
	from, to *sum
}

// directions returns the two directions of t, of which sums has both sides.
func directions(t flowtrack.Tuple, sums *[2]sum) [2]direction {
	return [2]direction{{t, &sums[src], &sums[dst]}, {reversed(t), &sums[dst], &sums[src]}}
}

// traffic is what one side reports of a direction.
type traffic struct {
	volume
	edge volume // the part while the other side may not have counted
}

// volume is a number of packets and their bytes.
type volume struct{ pkts, bytes uint64 }

// minus returns how much more v is than w, or 0. Counts go up to 2^64-1, so a signed
// difference could take a large count for a small one.
func (v volume) minus(w volume) volume {
	return volume{v.pkts - min(v.pkts, w.pkts), v.bytes - min(v.bytes, w.bytes)}
}

func (s *sum) sent() traffic {
	return traffic{volume{s.all.TxPackets, s.all.TxBytes}, volume{s.edge.TxPackets, s.edge.TxBytes}}
}

func (s *sum) received() traffic {
	return traffic{volume{s.all.RxPackets, s.all.RxBytes}, volume{s.edge.RxPackets, s.edge.RxBytes}}
}

// overlaps reports whether both sides report packets, and at least one side reports some
// from a time when the other was counting too.
func (d *direction) overlaps() bool {
	sent, received := d.from.sent(), d.to.received()
	return d.from.reported && d.to.reported && (sent.pkts > sent.edge.pkts || received.pkts > received.edge.pkts)
}

// judge reports whether the two sides of d disagree, and adds the finding.
func (c *comparison) judge(d *direction, what string) bool {
	kind := d.disagreement(c.Loss)
	if kind == "" {
		return false
	}
	pos := d.to.first
	if !d.to.reported {
		pos = d.from.first
	}
	c.found(pos, kind, "%s%v: sent %s, received %s", what, d.flow, d.from.describe(d.from.sent()), d.to.describe(d.to.received()))
	return true
}

// disagreement compares what the sides of d report. It returns the kind of the finding, or "".
//
// No side can receive more than was sent, so that comparison is exact. Packets may be lost, but if none
// is lost, no byte is either. Counts from a time when the other side may not have counted are allowed to
// be missing there. A side that reports that it could not count some packets may have that many less, and
// as many bytes less as these packets can have.
func (d *direction) disagreement(loss float64) string {
	sent, received := d.from.sent(), d.to.received()
	lost := sent.minus(sent.edge).minus(received.volume)
	surplus := received.minus(received.edge).minus(sent.volume)
	edges := sent.edge != volume{} || received.edge != volume{}
	freeSent, freeReceived := d.from.uncounted(), d.to.uncounted()
	freeBytes := flowtable.Sum(freeSent.bytes, freeReceived.bytes) // equal numbers of packets need not be the same packets
	overflow, mostBytes := bits.Mul64(lost.pkts, math.MaxUint16)   // no packet is larger
	more := surplus.minus(freeSent) != volume{}
	tooMany := float64(lost.pkts) > math.Ceil(float64(sent.pkts)*loss/100) && lost.pkts > freeReceived.pkts
	switch {
	case more && !d.from.reported:
		return "flow missing at the sender"
	case more:
		return "received more than sent"
	case tooMany && !d.to.reported:
		return "flow missing at the receiver"
	case tooMany:
		return "received less than sent"
	case !edges && sent.pkts == received.pkts && lost.bytes > freeBytes:
		return "bytes differ"
	case lost.pkts > 0 && overflow == 0 && lost.bytes > flowtable.Sum(mostBytes, freeBytes):
		return "bytes differ"
	}
	return ""
}

// uncounted returns how much the nodes at s report as not counted, at most. The kernel counts merged packets as one.
func (s *sum) uncounted() volume {
	const (
		merged      = 128       // packets of 512 bytes, in 64 KiB
		mergedBytes = 128 << 10 // with a header each
	)
	var n uint64
	for _, node := range s.nodes {
		n = flowtable.Sum(n, node.lost)
	}
	if n > math.MaxUint64/mergedBytes {
		return volume{math.MaxUint64, math.MaxUint64}
	}
	return volume{n * merged, n * mergedBytes}
}

// describe describes t, the traffic of s in one direction, and in which records it is.
func (s *sum) describe(t traffic) string {
	if !s.reported {
		return fmt.Sprintf("nothing (node %s)", labels(s.nodes))
	}
	where := flowtable.Clean(s.first.String())
	if s.last != s.first {
		if s.last.File == s.first.File {
			where += fmt.Sprintf("-%d", s.last.Line)
		} else {
			where += " to " + flowtable.Clean(s.last.String())
		}
	}
	return fmt.Sprintf("%d packets, %d bytes (node %s, %s)", t.pkts, t.bytes, labels(s.nodes), where)
}
