package doubleentry

import (
	"slices"
	"time"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/internal/flowtable"
	"github.com/go-netlog/netlog/internal/records"
	"github.com/go-netlog/netlog/record"
)

// arrange works out who is where, and when.
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

// joined returns spans in order, with those that overlap as one. So however many
// processes a node says it had, the one at a time is found by a binary search.
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

// counted reports whether those who stand on the other side of a flow have
// counted during the whole of w, a window of node. A hub that was there counts only
// where it speaks for that side.
func (b *books) counted(node uint32, t *flowtrack.Tuple, w span) bool {
	reported, counted := false, false
	for _, a := range b.flows[inOrder(*t)] {
		if a.Src != t.Dst || a.node == node {
			continue
		}
		if e := b.accounts[a]; e.transit && !e.speaks {
			continue
		}
		reported = true
		switch {
		case b.covers(a.node, node, w):
			counted = true
		case b.nodes[a.node].within(w):
			return false // it came or went meanwhile
		}
	}
	if reported {
		return counted
	}
	return slices.ContainsFunc(b.owners[t.Dst.Addr()], func(o uint32) bool {
		return o != node && !b.isHub(o, *t) && b.covers(o, node, w)
	})
}

// covers reports whether node n has counted during the whole of w, a window of
// node of.
//
// Two books that begin almost together, or end so, are taken to do so exactly:
// else the first and the last window of one of them would never be held against
// the other. Almost is a window longer at the start, since a node writes nothing
// of windows without traffic. Where the beginning of a book was deleted, it says
// nothing of when the node began.
func (b *books) covers(n, of uint32, w span) bool {
	spans, others := b.nodes[n].spans, b.nodes[of].spans
	last := len(spans) - 1 // whoever has an account has counted
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

// spanAfter returns the first span of n that ends behind t.
func (n *node) spanAfter(t time.Time) int {
	i, _ := slices.BinarySearchFunc(n.spans, t, func(s span, t time.Time) int {
		if s.end.After(t) {
			return 1
		}
		return -1
	})
	return i
}

// within reports whether n has counted during a part of w.
func (n *node) within(w span) bool {
	i := n.spanAfter(w.start)
	return i < len(n.spans) && n.spans[i].start.Before(w.end)
}

// matchable calls yield with the flows of rec that have two sides. The underlay
// has other sides at both ends, and totals have none.
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

// inOrder returns t with its smaller side first: the same from both ends.
func inOrder(t flowtrack.Tuple) flowtrack.Tuple {
	if t.Src.Compare(t.Dst) > 0 {
		t.Src, t.Dst = t.Dst, t.Src
	}
	return t
}
