// Package window turns the flows of one window of time into records: it sorts them into
// classes, hides exit traffic, folds what exceeds the size of a window, and splits the
// result into Messages.
package window

import (
	"math/bits"
	"net/netip"
	"slices"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/internal/encode"
	"github.com/go-netlog/netlog/internal/route"
	"github.com/go-netlog/netlog/record"
	"github.com/go-netlog/netlog/tunstats"
)

// Traffic sorts the flows of a window into classes. The zero Traffic is ready to use. It
// is meant to be reused for one window after another, by one goroutine. Each call of
// Collect overwrites the results of the one before.
//
// The books balance: all entries and Ignored together are what the device counted. Only
// flows with an entry of their own keep their TCP flags, because those of a sum mean nothing.
type Traffic struct {
	Virtual []record.ConnectionCounts // sorted by destination, source and protocol, as the others are; one entry a Tuple
	Subnet  []record.ConnectionCounts
	Exit    []record.ConnectionCounts
	Size    int // upper bound of the bytes that the entries take as JSON, without the zero Tuple

	Ignored      tunstats.Counts // sum of the flows that ignore left out
	IgnoredFlows int             // number of the flows that ignore left out
	Folded       int             // number of flows without an entry of their own for lack of room

	// The fields below are scratch memory of Collect.
	totals  tunstats.Counts  // the counts of the zero Tuple
	pool    []entry          // all other entries, unsorted
	order   []sortKey        // of the pool
	folding bool             // the pool has exceeded its size
	cutFlow *entry           // the largest flow that had no room; nil: all had
	cutSum  *flowtrack.Tuple // of the first sum that had no room; nil: all had
}

// entry is an element of the pool: either a flow that the device returned, or a
// sum of flows, which is joined with other sums of the same Tuple.
type entry struct {
	record.ConnectionCounts
	class class
	sum   bool
	flows int32 // number of flows in a sum that Folded does not count yet
}

// Collect sorts flows into classes by the kinds of their addresses in t, hides exit
// traffic as policy says, and leaves out the flows for which ignore returns true. ignore
// may be nil. Flows without packets and bytes are skipped.
//
// The entries take at most maxBytes as JSON, measured by encode.Size, plus one zero
// Tuple. Collect folds the flows that exceed it; see fold. It uses a small multiple of
// maxBytes of memory, however many flows there are, and keeps the memory for the next
// window if that is of similar size. An empty window frees it.
func (w *Traffic) Collect(flows map[flowtrack.Tuple]tunstats.Counts, t *route.Table, policy Policy, ignore func(flowtrack.Tuple) bool, maxBytes int) {
	w.reset(len(flows))
	// Fold only when the pool holds twice of what fits, so that the cost of folding
	// a flow does not grow with their number.
	slack := max(maxBytes, 64<<10)
	w.pool = slices.Grow(w.pool, min(len(flows), max(maxBytes, 0)/64)) // an entry of the pool and its JSON take more than 128 bytes
	for f, c := range flows {
		if withoutFlags(c) == (tunstats.Counts{}) {
			continue
		}
		if ignore != nil && ignore(f) {
			w.Ignored = w.Ignored.Add(withoutFlags(c))
			w.IgnoredFlows++
			continue
		}
		w.add(f, c, t, policy)
		if w.Size-slack > maxBytes {
			w.fold(maxBytes)
		}
	}
	if w.Size > maxBytes || w.folding {
		w.fold(maxBytes)
	}
	w.finish()
}

// Empty reports whether the window has no entries.
func (w *Traffic) Empty() bool {
	return len(w.Virtual)+len(w.Subnet)+len(w.Exit) == 0
}

// reset empties w for a window of n flows. It frees memory far above the need of n
// flows, so that one large window does not hold memory forever.
func (w *Traffic) reset(n int) {
	*w = Traffic{
		Virtual: reuse(w.Virtual, n),
		Subnet:  reuse(w.Subnet, n),
		Exit:    reuse(w.Exit, n),
		pool:    reuse(w.pool, n),
		order:   reuse(w.order, n),
	}
}

// reuse returns s emptied, or nil if its capacity is far above n elements. What it keeps
// at least is small enough for an idle Logger: 120 KiB for all 5 slices.
func reuse[E any](s []E, n int) []E {
	const least = 256 // elements
	if cap(s) > max(4*n, least) {
		return nil
	}
	return s[:0]
}

// add adds one flow to the pool or to the totals.
func (w *Traffic) add(f flowtrack.Tuple, c tunstats.Counts, t *route.Table, policy Policy) {
	e := entry{ConnectionCounts: record.ConnectionCounts{Tuple: f, Counts: c}}
	// A zone is the name of an interface of this host. It means nothing to a reader of
	// the record, and its length has no bound.
	e.Src, e.Dst = withoutZone(e.Src), withoutZone(e.Dst)
	src, dst := t.Lookup(f.Src.Addr()), t.Lookup(f.Dst.Addr())
	e.class = classOf(src, dst)
	if e.class == classExit {
		policy.hide(&e, src, dst)
	}
	if e.Tuple == (flowtrack.Tuple{}) {
		w.totals = w.totals.Add(withoutFlags(c))
		return
	}
	w.Size += encode.Size(&e.ConnectionCounts)
	w.pool = append(w.pool, e)
}

// finish sorts the pool into the results and joins entries of the same Tuple.
func (w *Traffic) finish() {
	if w.totals != (tunstats.Counts{}) {
		w.Exit = append(w.Exit, record.ConnectionCounts{Counts: w.totals})
	}
	w.sortPool(byTuple)
	var n [3]int
	for i := range w.pool {
		n[w.pool[i].class]++
	}
	for c, n := range n {
		to := w.of(class(c))
		*to = slices.Grow(*to, n)
	}
	for _, k := range w.order {
		e := &w.pool[k.index]
		to := w.of(e.class)
		if n := len(*to); n > 0 && (*to)[n-1].Tuple == e.Tuple {
			(*to)[n-1].Counts = (*to)[n-1].Counts.Add(e.Counts)
		} else {
			*to = append(*to, e.ConnectionCounts)
		}
	}
}

// of returns the entries of class c.
func (w *Traffic) of(c class) *[]record.ConnectionCounts {
	switch c {
	case classVirtual:
		return &w.Virtual
	case classSubnet:
		return &w.Subnet
	}
	return &w.Exit
}

// withoutFlags returns the packets and bytes of c.
func withoutFlags(c tunstats.Counts) tunstats.Counts {
	c.TxFlags, c.RxFlags = 0, 0
	return c
}

// volume returns the bytes of c in both directions.
func volume(c *tunstats.Counts) uint64 {
	sum, carry := bits.Add64(c.TxBytes, c.RxBytes, 0)
	return sum | -carry // saturates
}

// withoutZone returns a without its zone. An address that is invalid has no port either.
func withoutZone(a netip.AddrPort) netip.AddrPort {
	if !a.IsValid() {
		return netip.AddrPort{}
	}
	if a.Addr().Zone() == "" {
		return a
	}
	return netip.AddrPortFrom(a.Addr().WithZone(""), a.Port())
}
