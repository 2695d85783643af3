package window

import (
	"cmp"
	"math"
	"slices"

	"github.com/go-netlog/netlog/internal/encode"
	"github.com/go-netlog/netlog/tunstats"
)

// fold makes the pool fit into maxBytes, so that a port scan or spoofed sources make a
// record of bounded size. Entries lose detail, but no packets, bytes or privacy:
//
//   - The largest flows stay, in four fifths of maxBytes. The Tuple decides between
//     flows of the same volume.
//   - The other flows become sums by protocol, source and destination address, with
//     ports 0. Both addresses stay, so the class does too. These sums and those of
//     ByNode share the last fifth, in the order of their Tuples.
//   - The sums that do not fit are added to the zero Tuple. It is exit traffic whatever
//     their class was, because it has no known side.
//
// All choices follow a total order, so folding a part of the flows early gives the same
// result as folding all of them at once: a flow without room among a part of the flows
// has no room among all of them. Nothing after it in the order stays either, also of what
// comes later: cutFlow and cutSum remember it.
func (w *Traffic) fold(maxBytes int) {
	if !w.folding {
		// Joining sums of the same Tuple may make enough room.
		if w.joinSums(math.MaxInt); w.Size <= maxBytes {
			return
		}
		w.folding = true
	}
	w.foldFlows(maxBytes - maxBytes/5)
	w.joinSums(maxBytes / 5)
}

// foldFlows turns the flows that do not fit into maxBytes into sums.
func (w *Traffic) foldFlows(maxBytes int) {
	w.sortPool(byVolume)
	size, full := 0, false
	for _, k := range w.order {
		e := &w.pool[k.index]
		if e.sum {
			break
		}
		size += encode.Size(&e.ConnectionCounts)
		full = full || w.cutFlow != nil && !isLarger(e, w.cutFlow)
		if !full && size > maxBytes {
			cut := *e
			w.cutFlow, full = &cut, true
		}
		if full {
			e.Tuple, e.Counts = e.WithoutPorts(), withoutFlags(e.Counts)
			e.sum = true
			w.Folded++
		}
	}
}

// byVolume sorts the largest flow first and sums last.
func byVolume(e *entry) (major, minor uint64) {
	if e.sum {
		return math.MaxUint64, math.MaxUint64 // after all flows, whose minor key is always smaller
	}
	minor, _ = byTuple(e)
	return ^volume(&e.Counts), minor
}

// isLarger reports whether the flow e comes before f in the order of byVolume.
func isLarger(e, f *entry) bool {
	if v, u := volume(&e.Counts), volume(&f.Counts); v != u {
		return v > u
	}
	return cmp.Or(e.Compare(f.Tuple), compareCounts(&e.Counts, &f.Counts)) < 0
}

// joinSums joins the sums of the same Tuple, adds those that do not fit into maxBytes
// to the totals, and removes joined and added sums from the pool.
func (w *Traffic) joinSums(maxBytes int) {
	w.sortPool(byTuple)
	var last *entry
	size, full := 0, false
	finishSum := func() {
		if last == nil {
			return
		}
		size += encode.Size(&last.ConnectionCounts)
		full = full || w.cutSum != nil && last.Compare(*w.cutSum) >= 0
		if !full && size > maxBytes {
			cut := last.Tuple
			w.cutSum, full = &cut, true
		}
		if full {
			w.totals = w.totals.Add(last.Counts)
			w.Folded += int(last.flows)
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
			finishSum()
			last = e
		}
	}
	finishSum()

	// Only the removed entries have no counts.
	w.pool = slices.DeleteFunc(w.pool, func(e entry) bool { return e.Counts == tunstats.Counts{} })
	w.Size = 0
	for i := range w.pool {
		w.Size += encode.Size(&w.pool[i].ConnectionCounts)
	}
}
