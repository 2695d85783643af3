package doubleentry

import (
	"slices"
	"time"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/internal/flowtable"
	"github.com/go-netlog/netlog/internal/records"
	"github.com/go-netlog/netlog/record"
)

// arrange finds the addresses of each node, and the times when it counted.
func (b *books) arrange() {
	for _, n := range b.nodes {
		for _, p := range n.procs {
			if !p.start.IsZero() {
				n.spans = append(n.spans, span{p.start.Add(n.ahead), p.end.Add(n.ahead), p.seqs.First() > 1})
			}
		}
		n.spans = joined(n.spans)
	}
	for t, accs := range b.flows {
		if hasPorts(t.Proto) && (t.Src.Port() == 0 || t.Dst.Port() == 0) {
			b.folded[pairOf(t)] = true
		}
		for _, a := range accs {
			back := account{a.node, flowtrack.Tuple{Proto: a.Proto, Src: a.Dst, Dst: a.Src}}
			if b.accounts[back] != nil && a.Src != a.Dst {
				b.accounts[a].transit = true
				continue
			}
			if o := b.owners[a.Src.Addr()]; !slices.Contains(o, a.node) {
				b.owners[a.Src.Addr()] = append(o, a.node)
			}
		}
	}
	b.useHubAccounts()
}

// joined sorts spans and merges those that overlap, so that a binary search finds a span
// however many processes a node has.
func joined(spans []span) []span {
	slices.SortFunc(spans, func(x, y span) int { return x.start.Compare(y.start) })
	apart := spans[:0]
	for _, s := range spans {
		if last := len(apart) - 1; last >= 0 && !apart[last].end.Before(s.start) {
			if s.end.After(apart[last].end) {
				apart[last].end = s.end
			}
			continue
		}
		apart = append(apart, s)
	}
	return apart
}

// counted reports whether a node on the other side of flow t counted during all of w, a
// window of node. The account of a hub matters only if it is used for that side.
func (b *books) counted(node uint32, t *flowtrack.Tuple, w span) bool {
	reported, counted := false, false
	for _, a := range b.flows[inOrder(*t)] {
		if a.Src != t.Dst || a.node == node {
			continue
		}
		if e := b.accounts[a]; e.transit && !e.used {
			continue
		}
		reported = true
		switch {
		case b.covers(a.node, node, w):
			counted = true
		case b.nodes[a.node].within(w):
			return false // it started or stopped during w
		}
	}
	if reported {
		return counted
	}
	return slices.ContainsFunc(b.owners[t.Dst.Addr()], func(o uint32) bool {
		return o != node && !b.isHub(o, *t) && b.covers(o, node, w)
	})
}

// covers reports whether node n counted during all of w, a window of node of.
//
// Two nodes that start or stop within a short time count as starting or stopping
// together. Otherwise the first and last windows of one of them could never be compared.
// At the start, one window more is allowed, since a node writes nothing about windows
// without traffic. If the first entries of a node are missing, its start is unknown.
func (b *books) covers(n, of uint32, w span) bool {
	spans, others := b.nodes[n].spans, b.nodes[of].spans
	last := len(spans) - 1 // a node with an account has a span
	i := b.nodes[n].spanAfter(w.start)
	return slices.ContainsFunc([]int{0, last, i}, func(i int) bool {
		if i > last {
			return false
		}
		s := spans[i]
		if i == 0 && w.start.Equal(others[0].start) && !s.late && !others[0].late {
			s.start = s.start.Add(-b.nodes[n].longest - b.Slack)
		}
		if i == last && w.end.Equal(others[len(others)-1].end) {
			s.end = s.end.Add(b.Slack)
		}
		return !w.start.Before(s.start) && !w.end.After(s.end)
	})
}

// spanAfter returns the index of the first span of n that ends after t.
func (n *node) spanAfter(t time.Time) int {
	i, _ := slices.BinarySearchFunc(n.spans, t, func(s span, t time.Time) int {
		if s.end.After(t) {
			return 1
		}
		return -1
	})
	return i
}

// within reports whether n counted during a part of w.
func (n *node) within(w span) bool {
	i := n.spanAfter(w.start)
	return i < len(n.spans) && n.spans[i].start.Before(w.end)
}

// matchable iterates over the flows of rec that can be compared with those of another node. Physical
// traffic differs at the two ends, and totals have no sides.
func matchable(rec *records.Record) func(yield func(flowtable.Class, *record.ConnectionCounts) bool) {
	return func(yield func(flowtable.Class, *record.ConnectionCounts) bool) {
		for _, c := range []flowtable.Class{flowtable.Virtual, flowtable.Subnet, flowtable.Exit} {
			list := c.Traffic(&rec.Message)
			for i := range list {
				if t := &list[i]; t.Src.IsValid() && t.Dst.IsValid() && !yield(c, t) {
					return
				}
			}
		}
	}
}

// inOrder returns t with the smaller side first, so that it is equal for both ends.
func inOrder(t flowtrack.Tuple) flowtrack.Tuple {
	if t.Src.Compare(t.Dst) > 0 {
		t.Src, t.Dst = t.Dst, t.Src
	}
	return t
}
