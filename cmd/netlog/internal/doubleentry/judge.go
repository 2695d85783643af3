package doubleentry

import (
	"fmt"
	"math"
	"math/bits"
	"strings"

	"github.com/go-netlog/netlog/internal/flowtable"
)

// judge reports whether the two sides of a direction disagree, and adds the finding.
func (b *books) judge(d *direction, what string) bool {
	s, r := &d.sent, &d.recv
	kind := b.disagreement(s, r)
	if kind == "" {
		return false
	}
	pos := r.first
	if r.nodes == nil {
		pos = s.first
	}
	b.found(pos, kind, "%s%v: sent %s, received %s", what, d.flow, b.half(s), b.half(r))
	return true
}

// disagreement compares what s has sent with what r has received. It returns the kind of the finding, or "".
//
// No side can receive more than was sent, so that comparison is exact. Packets may be lost, but if none
// is lost, no byte is either. Counts from a time when the other side may not have counted are allowed to
// be missing there. A side that reports that it could not count some packets may have that many less, and
// as many bytes less as these packets can have.
func (b *books) disagreement(s, r *half) string {
	lost, lostBytes := less(s.pkts-s.edgeP, r.pkts), less(s.bytes-s.edgeB, r.bytes)
	overflow, mostBytes := bits.Mul64(lost, math.MaxUint16) // no packet is larger
	edges := s.edgeP != 0 || s.edgeB != 0 || r.edgeP != 0 || r.edgeB != 0
	freeS, freeBytesS := b.uncounted(s)
	freeR, freeBytesR := b.uncounted(r)
	freeBytes := flowtable.Sum(freeBytesS, freeBytesR) // equal numbers of packets need not be the same packets
	more := less(r.pkts-r.edgeP, s.pkts) > freeS || less(r.bytes-r.edgeB, s.bytes) > freeBytesS
	tooMany := float64(lost) > math.Ceil(float64(s.pkts)*b.Loss/100) && lost > freeR
	switch {
	case more && s.nodes == nil:
		return "flow missing at the sender"
	case more:
		return "received more than sent"
	case tooMany && r.nodes == nil:
		return "flow missing at the receiver"
	case tooMany:
		return "received less than sent"
	case !edges && s.pkts == r.pkts && lostBytes > freeBytes:
		return "bytes differ"
	case lost > 0 && overflow == 0 && lostBytes > flowtable.Sum(mostBytes, freeBytes):
		return "bytes differ"
	}
	return ""
}

// uncounted returns the number of packets that the nodes at h report as not counted, and the bytes that these
// can have. The kernel counts merged packets as one.
func (b *books) uncounted(h *half) (pkts, bytes uint64) {
	const (
		merged      = 128       // packets of 512 bytes, in 64 KiB
		mergedBytes = 128 << 10 // with a header each
	)
	var n uint64
	for _, num := range h.responsible() {
		n = flowtable.Sum(n, b.nodes[num].lost)
	}
	if n > math.MaxUint64/mergedBytes {
		return math.MaxUint64, math.MaxUint64
	}
	return n * merged, n * mergedBytes
}

// less returns how much less b is than a, or 0. Counts go up to 2^64-1, so a signed
// difference could take a large count for a small one.
func less(a, b uint64) uint64 { return a - min(a, b) }

// half describes what one side reports, and in which records.
func (b *books) half(h *half) string {
	if h.nodes == nil {
		return fmt.Sprintf("nothing (node %s)", b.labels(h.keepers))
	}
	where := flowtable.Clean(h.first.String())
	if h.last != h.first {
		if h.last.File == h.first.File {
			where += fmt.Sprintf("-%d", h.last.Line)
		} else {
			where += " to " + flowtable.Clean(h.last.String())
		}
	}
	return fmt.Sprintf("%d packets, %d bytes (node %s, %s)", h.pkts, h.bytes, b.labels(h.nodes), where)
}

// labels returns the names of at most maxNamed nodes.
func (b *books) labels(nodes []uint32) string {
	var who []string
	for _, n := range nodes[:min(len(nodes), maxNamed)] {
		who = append(who, b.label(n))
	}
	if len(nodes) > maxNamed {
		who = append(who, "...")
	}
	return strings.Join(who, ", ")
}
