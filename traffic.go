package netlog

import (
	"math/bits"
	"slices"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/tunstats"
)

// traffic is what a device counted in one window, by class. The zero traffic is
// ready to use; it is made to be used for one window after the other, by one
// goroutine. A collect overwrites what the one before it returned.
//
// The books balance: all entries and ignored together are what the device counted.
type traffic struct {
	virtual []ConnectionCounts // each sorted by compareConnections, one entry a Tuple
	subnet  []ConnectionCounts
	exit    []ConnectionCounts

	ignored      tunstats.Counts // of the flows left out
	ignoredFlows int             // flows left out
	folded       int             // flows that are in no entry of their own, for want of room

	// Scratch of collect.
	totals   tunstats.Counts // of the zero Tuple
	pool     []entry         // all else, not yet sorted
	order    []sortKey       // of the pool
	poolSize int             // estimated bytes of the pool as JSON; after collect no less than its entries take
	folding  bool            // the pool has been too large once
}

// entry is an element of the pool. It is either a flow as the device gave it, or
// a sum of flows, which other sums of the same Tuple join.
type entry struct {
	ConnectionCounts
	class class
	sum   bool
	flows int32 // of a sum: how many of its flows are not counted as folded
}

// collect takes over the flows of one window: it leaves out those that ignore (which
// may be nil) reports, finds the class of each, applies policy to exit traffic,
// and puts all in order. Flows without a packet or a byte are skipped.
//
// The entries take at most maxBytes as JSON, by the upper bound of jsonSize, plus
// that of one zero Tuple. What exceeds it is folded, see fold. The memory used is
// a small multiple of maxBytes, however many flows there are. It is kept for the
// next window while that is of like size; sorting an empty map gives it back.
func (w *traffic) collect(flows map[flowtrack.Tuple]tunstats.Counts, t *routeTable, policy ExitPolicy, ignore func(flowtrack.Tuple) bool, maxBytes int) {
	w.reset(len(flows))
	// Folding no sooner than when twice of what fits is there makes it cost each
	// flow the same, however many there are.
	slack := max(maxBytes, 64<<10)
	w.pool = slices.Grow(w.pool, min(len(flows), max(maxBytes, 0)/64)) // an entry takes more than 128 bytes of the two together
	for f, c := range flows {
		if c == (tunstats.Counts{}) {
			continue
		}
		if ignore != nil && ignore(f) {
			w.ignored = w.ignored.Add(c)
			w.ignoredFlows++
			continue
		}
		w.add(f, c, t, policy)
		if w.poolSize-slack > maxBytes {
			w.fold(maxBytes)
		}
	}
	if w.poolSize > maxBytes || w.folding {
		w.fold(maxBytes)
	}
	w.finish()
}

// empty reports whether there is nothing to write.
func (w *traffic) empty() bool {
	return len(w.virtual)+len(w.subnet)+len(w.exit) == 0
}

// reset empties w for a window of n flows. Memory far above what n flows need is
// let go, so that one large window is not paid for ever.
func (w *traffic) reset(n int) {
	*w = traffic{
		virtual: reuse(w.virtual, n),
		subnet:  reuse(w.subnet, n),
		exit:    reuse(w.exit, n),
		pool:    reuse(w.pool, n),
		order:   reuse(w.order, n),
	}
}

// reuse returns s emptied, or nil where its capacity is far above n elements. The
// least kept is small enough for a Logger at rest: 5 slices, 120 KiB in all.
func reuse[E any](s []E, n int) []E {
	const least = 256 // elements
	if cap(s) > max(4*n, least) {
		return nil
	}
	return s[:0]
}

// add puts one flow into the pool, or into the totals.
func (w *traffic) add(f flowtrack.Tuple, c tunstats.Counts, t *routeTable, policy ExitPolicy) {
	e := entry{ConnectionCounts: ConnectionCounts{f, c}}
	// A zone is the name of an interface of this host. It has no place in a
	// record, and no bound.
	e.Src, e.Dst = withoutZone(e.Src), withoutZone(e.Dst)
	src, dst := t.lookup(f.Src.Addr()), t.lookup(f.Dst.Addr())
	e.class = classOf(src, dst)
	if e.class == classExit && policy != ExitFull {
		e.Tuple = flowtrack.Tuple{}
		e.sum, e.flows = true, 1
		switch {
		case policy != ExitByNode:
		case src != addrUnknown:
			e.Src = withoutPort(plain(f.Src))
		case dst != addrUnknown:
			e.Dst = withoutPort(plain(f.Dst))
		}
	}
	if e.Tuple == (flowtrack.Tuple{}) {
		w.totals = w.totals.Add(c)
		return
	}
	w.poolSize += jsonSize(&e.ConnectionCounts)
	w.pool = append(w.pool, e)
}

// finish puts the pool in order, joins entries of one Tuple, and hands them out.
func (w *traffic) finish() {
	if w.totals != (tunstats.Counts{}) {
		w.exit = append(w.exit, ConnectionCounts{Counts: w.totals})
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
func (w *traffic) of(c class) *[]ConnectionCounts {
	switch c {
	case classVirtual:
		return &w.virtual
	case classSubnet:
		return &w.subnet
	}
	return &w.exit
}

// volume returns the bytes of c in both directions, by which flows are large or small.
func volume(c *tunstats.Counts) uint64 {
	sum, carry := bits.Add64(c.TxBytes, c.RxBytes, 0)
	return sum | -carry // saturates
}
