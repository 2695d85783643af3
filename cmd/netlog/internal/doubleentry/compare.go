package doubleentry

import (
	"maps"
	"net/netip"
	"slices"

	"github.com/go-netlog/netlog/internal/records"
	"github.com/go-netlog/netlog/tunstats"
)

// comparison compares the two sides of each flow, after the second reading.
type comparison struct {
	*survey
	ends   ends
	silent map[netip.Addr]bool // addresses without a node, for which no hub stands in
}

// compare compares all flows, and the sums of each pair.
func (c *comparison) compare(pairs []pair) {
	for i := range pairs {
		c.comparePair(&pairs[i])
	}
	for _, a := range slices.SortedFunc(maps.Keys(c.silent), netip.Addr.Compare) {
		if c.Complete {
			c.found(records.Pos{}, "missing books", "no node reports as %v, and others talked to it", a)
		} else {
			c.note("no books of %v: what others say of it is not checked", a)
		}
	}
}

// comparePair compares each flow of p, then their sums if all flows agree.
func (c *comparison) comparePair(p *pair) {
	var total [2]sum
	agree := true
	for _, f := range p.flows {
		sums := [2]sum{c.ends.sum(f, src), c.ends.sum(f, dst)}
		for at := range sums {
			c.checkSameSide(f, side(at))
		}
		if sums[src].reported && sums[dst].reported {
			c.Matched++
		} else {
			c.Unmatched++
		}
		if c.isSilent(f, &sums) {
			continue
		}
		for _, d := range directions(f.Tuple, &sums) {
			d.addShares()
			if !p.folded && c.judge(&d, "") {
				agree = false
			}
		}
		total[src].add(&sums[src])
		total[dst].add(&sums[dst])
	}
	for _, d := range directions(p.flows[0].WithoutPorts(), &total) {
		if d.overlaps() {
			c.Compared++
		}
		if agree {
			c.judge(&d, "all flows of ")
		}
	}
}

// isSilent reports whether a side of f has no node, and remembers its address.
func (c *comparison) isSilent(f *flow, sums *[2]sum) (silent bool) {
	for at := range sums {
		if len(sums[at].nodes) == 0 {
			silent, c.silent[f.addr(side(at))] = true, true
		}
	}
	return silent
}

// sum is what the nodes at one side of a flow report together, or at one side of all flows of a pair.
type sum struct {
	nodes       []*node // those that report the flow, or if none does, those that are there
	reported    bool
	all, edge   tunstats.Counts
	first, last records.Pos // of the records added up
}

// sum returns what is reported at one side of f.
func (e ends) sum(f *flow, at side) (s sum) {
	for r := range f.from(at) {
		s.nodes = append(s.nodes, r.node)
		s.addCounts(&sum{reported: true, all: r.all, edge: r.edge, first: r.first, last: r.last})
	}
	if !s.reported {
		s.nodes = e.at(f, at)
	}
	return s
}

// add adds o, the sum of another flow. Of the nodes it keeps one more than are named, so that a finding can
// say that there are more.
func (s *sum) add(o *sum) {
	if o.reported && !s.reported {
		s.nodes = nil
	}
	s.addCounts(o)
	if o.reported != s.reported {
		return // s has those that report a flow
	}
	for _, n := range o.nodes[:min(len(o.nodes), maxNamed+1)] {
		if len(s.nodes) <= maxNamed && !slices.Contains(s.nodes, n) {
			s.nodes = append(s.nodes, n)
		}
	}
}

// addCounts adds o without its nodes.
func (s *sum) addCounts(o *sum) {
	if !o.reported {
		return
	}
	if !s.reported {
		s.reported, s.first = true, o.first
	}
	s.all, s.edge, s.last = s.all.Add(o.all), s.edge.Add(o.edge), o.last
}
