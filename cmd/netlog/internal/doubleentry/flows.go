package doubleentry

import (
	"iter"
	"maps"
	"net/netip"
	"slices"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/internal/records"
	"github.com/go-netlog/netlog/tunstats"
)

// flow is one flow, with what each node reports of it. The survey fills it.
type flow struct {
	flowtrack.Tuple // as ordered returns it, so that it is the same for both ends
	reports         []*report
}

// report is what one node reports of one flow. The survey fills all but the counts.
type report struct {
	node        *node
	from        side // the side that the node reports as the source
	virtual     bool // between two nodes, not with a host behind a router
	observer    bool // of a hub that stands in for no side, so the counts are not used
	first, last records.Pos

	// The second reading adds these up. edge is the part while the other side may not have counted.
	all, edge tunstats.Counts
}

// side is a side of the Tuple of a flow.
type side uint8

const (
	src side = iota
	dst
)

// ordered returns t with the smaller side first, and which side the source is then.
func ordered(t flowtrack.Tuple) (flowtrack.Tuple, side) {
	if t.Src.Compare(t.Dst) > 0 {
		return reversed(t), dst
	}
	return t, src
}

func reversed(t flowtrack.Tuple) flowtrack.Tuple {
	t.Src, t.Dst = t.Dst, t.Src
	return t
}

// addr returns the address of a side of f.
func (f *flow) addr(s side) netip.Addr {
	return [...]netip.AddrPort{src: f.Src, dst: f.Dst}[s].Addr()
}

// other returns the side opposite to s. If both are equal, all reports are from src.
func (f *flow) other(s side) side {
	if f.Src == f.Dst {
		return s
	}
	return 1 - s
}

// report returns the report of n with the given side as the source, or nil.
func (f *flow) report(n *node, from side) *report {
	for _, r := range f.reports {
		if r.node == n && r.from == from {
			return r
		}
	}
	return nil
}

// from iterates over the reports from a side of f, except those of observers.
func (f *flow) from(at side) iter.Seq[*report] {
	return func(yield func(*report) bool) {
		for _, r := range f.reports {
			if r.from == at && !r.observer && !yield(r) {
				return
			}
		}
	}
}

// add adds a report. If the node has reported the other side before, it is a hub for f.
func (f *flow) add(r *report) {
	if o := f.report(r.node, 1-r.from); o != nil {
		o.observer, r.observer = true, true
		if r.node.hubOf == nil {
			r.node.hubOf = make(map[*flow]bool)
		}
		r.node.hubOf[f] = true
	}
	f.reports = append(f.reports, r)
}

// pair is all flows of one protocol between two addresses.
type pair struct {
	flows  []*flow // sorted
	folded bool    // a node reports a flow without its ports, so only the sums can agree
}

// pairs returns all flows, sorted.
func (s *survey) pairs() (pairs []pair) {
	flows := slices.SortedFunc(maps.Values(s.flows), func(f, g *flow) int {
		if c := f.WithoutPorts().Compare(g.WithoutPorts()); c != 0 {
			return c
		}
		return f.Tuple.Compare(g.Tuple)
	})
	for len(flows) > 0 {
		n := slices.IndexFunc(flows, func(f *flow) bool { return f.WithoutPorts() != flows[0].WithoutPorts() })
		if n < 0 {
			n = len(flows)
		}
		pairs = append(pairs, pair{flows[:n], slices.ContainsFunc(flows[:n], (*flow).folded)})
		flows = flows[n:]
	}
	return pairs
}

// folded reports whether a node has folded a port of f away.
func (f *flow) folded() bool {
	switch f.Proto {
	case flowtrack.TCP, flowtrack.UDP, flowtrack.UDPLite, flowtrack.SCTP, flowtrack.DCCP:
		return f.Src.Port() == 0 || f.Dst.Port() == 0
	}
	return false
}

// ends holds the nodes at each address: those that report a flow from it, and are no hub of that flow.
type ends map[netip.Addr][]*node

func newEnds(pairs []pair) ends {
	at := make(ends)
	for _, p := range pairs {
		for _, f := range p.flows {
			for _, r := range f.reports {
				if a := f.addr(r.from); !r.observer && !slices.Contains(at[a], r.node) {
					at[a] = append(at[a], r.node)
				}
			}
		}
	}
	return at
}

// at returns the nodes at the address of a side of f, except for the hubs of f. They may not report f. A
// hub that forwards f and drops another flow to the same address, as a firewall does, is
// at that address only for the other flow.
func (e ends) at(f *flow, at side) []*node {
	nodes := e[f.addr(at)]
	isHub := func(n *node) bool { return n.hubOf[f] }
	if !slices.ContainsFunc(nodes, isHub) {
		return nodes
	}
	return slices.DeleteFunc(slices.Clone(nodes), isHub)
}

// standIn lets hubs stand in for ends.
//
// The report of a hub is used for a side without a node, and only if the
// other side has one, since it would be compared with itself otherwise. With two hubs,
// each may have seen all of the flow or a part, so neither is used. A hub is not used if
// ports were folded away, because its flow may then contain the other one or be a part of it.
func (e ends) standIn(pairs []pair) {
	for _, p := range pairs {
		for _, f := range p.flows {
			atSrc, atDst := len(e.at(f, src)) > 0, len(e.at(f, dst)) > 0
			if p.folded || atSrc == atDst {
				continue
			}
			missing := src
			if atSrc {
				missing = dst
			}
			hubs := slices.DeleteFunc(slices.Clone(f.reports), func(r *report) bool { return !r.observer || r.from != missing })
			if len(hubs) == 1 {
				hubs[0].observer = false
			}
		}
	}
}
