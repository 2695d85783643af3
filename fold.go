package netlog

import (
	"math"
	"slices"

	"github.com/go-netlog/netlog/tunstats"
)

// fold makes the pool fit into maxBytes, so that a port scan or spoofed sources
// cost a bounded record. Entries lose detail, never packets, bytes or privacy:
//
//   - Of the flows, the largest stay, in four fifths of maxBytes; between two of
//     one volume the Tuple decides.
//   - The others become sums by protocol, source and destination address, with
//     ports 0. As both addresses stay, so does the class. These sums and those of
//     ExitByNode share the last fifth, the first by Tuple.
//   - The rest goes to the zero Tuple, which is exit traffic whatever its class
//     was, as it has no known side.
//
// All choices follow from a total order, so folding early, with only a part of the
// flows at hand, gives what folding all at once would: what has no room among a
// part has none among all.
func (w *traffic) fold(maxBytes int) {
	if !w.folding {
		// Sums of the same Tuple may be all that makes the pool large.
		if w.joinSums(math.MaxInt); w.poolSize <= maxBytes {
			return
		}
		w.folding = true
	}
	w.foldFlows(maxBytes - maxBytes/5)
	w.joinSums(maxBytes / 5)
}

// foldFlows makes sums of the flows that do not fit into maxBytes.
func (w *traffic) foldFlows(maxBytes int) {
	w.sortPool(byVolume)
	size, full := 0, false
	for _, k := range w.order {
		e := &w.pool[k.index]
		if e.sum {
			break
		}
		// The first that does not fit ends it, so that no smaller one stays.
		size += jsonSize(&e.ConnectionCounts)
		if full = full || size > maxBytes; full {
			e.Src, e.Dst = withoutPort(e.Src), withoutPort(e.Dst)
			e.sum = true
			w.folded++
		}
	}
}

// byVolume puts the largest flow first and sums last.
func byVolume(e *entry) (major, minor uint64) {
	if e.sum {
		return math.MaxUint64, math.MaxUint64 // no flow has a minor key like that
	}
	minor, _ = byTuple(e)
	return ^volume(&e.Counts), minor
}

// joinSums joins the sums of one Tuple, moves those that do not fit into maxBytes
// to the totals, and takes what is done with out of the pool.
func (w *traffic) joinSums(maxBytes int) {
	w.sortPool(byTuple)
	var last *entry
	size, full := 0, false
	settle := func() {
		if last == nil {
			return
		}
		size += jsonSize(&last.ConnectionCounts)
		if full = full || size > maxBytes; full {
			w.totals = w.totals.Add(last.Counts)
			w.folded += int(last.flows)
			last.Counts = tunstats.Counts{}
		}
	}
	for _, k := range w.order {
		switch e := &w.pool[k.index]; {
		case !e.sum:
		case last != nil && last.Tuple == e.Tuple:
			last.Counts, last.flows = last.Counts.Add(e.Counts), last.flows+e.flows
			e.Counts = tunstats.Counts{}
		default:
			settle()
			last = e
		}
	}
	settle()

	// Only an entry that is done with has no counts.
	w.pool = slices.DeleteFunc(w.pool, func(e entry) bool { return e.Counts == tunstats.Counts{} })
	w.poolSize = 0
	for i := range w.pool {
		w.poolSize += jsonSize(&w.pool[i].ConnectionCounts)
	}
}
