package page

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"github.com/go-netlog/netlog/internal/flowtable"
)

// flowRow is a flow that a query considers.
type flowRow struct {
	row      flowtable.Row
	src, dst side
	reporter uint32
	folded   int64
}

// notes are the further contents of the page.
type notes struct {
	Filling   bool     `json:"filling,omitempty"` // the files of the last hour are still being read
	Skipped   uint64   `json:"skipped,omitempty"` // entries that came faster than they could be added up
	Problems  []string `json:"problems,omitempty"`
	Collector string   `json:"collector,omitempty"` // where nodes send
}

// builder makes an answer.
type builder struct {
	*store
	q         query
	from, now int64 // steps
	labels    []string
	owners    map[netip.Addr]uint32
	sent      map[[2]string]uint64
	sums      []nodeSum
	rows      []*flowRow
	answer    answer
}

// answer answers a query. given has names of nodes by their IDs.
func (s *store) answer(q query, now time.Time, given map[string]string) *answer {
	b := &builder{store: s, q: q, now: stepOf(now), sent: make(map[[2]string]uint64)}
	b.from = b.now - q.steps + 1
	b.answer.Now, b.answer.Step, b.answer.First = now.UnixMilli(), stepSeconds*1000, b.from*stepSeconds*1000
	for _, c := range flowtable.Classes() {
		b.answer.Classes = append(b.answer.Classes, classSum{Class: c.String(), Series: make([]uint64, q.steps)})
	}
	b.label(given)
	b.own()
	for _, f := range s.flows {
		row, node, counted := f.count(b.from)
		if !b.add(&flowRow{row: row, reporter: node, folded: f.folded}) {
			continue
		}
		for _, r := range counted {
			r.addBytes(b.answer.Classes[row.Class].Series, b.from)
		}
	}
	b.addOthers()
	slices.SortFunc(b.rows, q.compare)
	b.answer.Matched = len(b.rows)
	b.answer.Flows = make([]flowSum, min(q.limit, len(b.rows)))
	for i := range b.answer.Flows {
		b.answer.Flows[i] = b.flowSum(b.rows[i])
	}
	b.matrix()
	b.nodeSums()
	return &b.answer
}

// label finds the name of each node: that of the operator, that of the node, or its ID. Equal names get
// the first digits of the ID.
func (b *builder) label(given map[string]string) {
	count := make(map[string]int)
	b.labels, b.sums = make([]string, len(b.nodes.list)), make([]nodeSum, len(b.nodes.list))
	for i, d := range b.nodes.list {
		b.labels[i] = flowtable.Clean(cmp.Or(given[d.id], d.name, d.id[:min(12, len(d.id))], "(unknown)"))
		count[b.labels[i]]++
	}
	for i, d := range b.nodes.list {
		if count[b.labels[i]] > 1 {
			b.labels[i] += " " + flowtable.Clean(d.id[:min(4, len(d.id))])
		}
		b.sums[i] = nodeSum{
			Name: b.labels[i], ID: flowtable.Clean(d.id), Seen: d.seen.UnixMilli(), Skew: d.skew.Milliseconds(), Gaps: d.gaps, Dropped: d.dropped,
		}
	}
}

// own finds the node of each address. A node has the addresses on its own side of virtual traffic, but a
// hub reports those of others too, so the node with the fewest addresses has it.
func (b *builder) own() {
	type pair struct {
		a    netip.Addr
		node uint32
	}
	pairs, addrs := make(map[pair]bool), make([]int, len(b.labels))
	for _, f := range b.flows {
		for _, r := range f.reports {
			if p := (pair{r.Src.Addr(), r.Node}); r.Class == flowtable.Virtual && p.a.IsValid() && !pairs[p] {
				pairs[p] = true
				addrs[p.node]++
			}
		}
	}
	b.owners = make(map[netip.Addr]uint32)
	for p := range pairs {
		o, ok := b.owners[p.a]
		if !ok || cmp.Or(cmp.Compare(addrs[p.node], addrs[o]), cmp.Compare(p.node, o)) < 0 {
			b.owners[p.a] = p.node
		}
	}
}

// side describes a side of a flow.
func (b *builder) side(a netip.AddrPort) (s side) {
	if !a.IsValid() {
		return s
	}
	s.Port = a.Port()
	if o, ok := b.owners[a.Addr()]; ok {
		s.Name, s.ID = b.labels[o], b.nodes.list[o].id
	} else {
		s.Name = flowtable.Clean(b.nodes.names[a.Addr()])
	}
	return s
}

// add adds a flow, if the query selects it.
func (b *builder) add(f *flowRow) bool {
	if f.row.Bytes() == 0 && f.row.Packets() == 0 {
		return false
	}
	f.src, f.dst = b.side(f.row.Src), b.side(f.row.Dst)
	if !f.row.Src.IsValid() && !f.row.Dst.IsValid() && !f.row.Other {
		f.src.Name, f.src.ID = b.labels[f.reporter], b.nodes.list[f.reporter].id
	}
	if !b.q.matches(f) {
		return false
	}
	b.rows = append(b.rows, f)
	c := &b.answer.Classes[f.row.Class]
	c.Flows++
	addTo(&c.Bytes, f.row.Bytes())
	addTo(&c.Pkts, f.row.Packets())
	if f.row.Class != flowtable.Physical && f.row.Class != flowtable.Denied && !f.row.Other {
		src, dst := f.src.label(f.row.Src.Addr(), f.row.Class), f.dst.label(f.row.Dst.Addr(), f.row.Class)
		b.addSent(src, dst, f.row.TxBytes)
		b.addSent(dst, src, f.row.RxBytes)
		b.addNodes(f)
	}
	return true
}

func (b *builder) addSent(from, to string, n uint64) {
	sum := b.sent[[2]string{from, to}]
	addTo(&sum, n)
	b.sent[[2]string{from, to}] = sum
}

// label returns the name of a side in the matrix.
func (s *side) label(a netip.Addr, class flowtable.Class) string {
	switch {
	case s.Name != "":
		return s.Name
	case class == flowtable.Exit || !a.IsValid():
		return "(" + class.String() + ")"
	}
	return a.String()
}

// addNodes adds a flow to the sums of the nodes at its sides, or of the one that reports a total.
func (b *builder) addNodes(f *flowRow) {
	src, ok := b.owners[f.row.Src.Addr()]
	if !f.row.Src.IsValid() && !f.row.Dst.IsValid() {
		src, ok = f.reporter, true
	}
	if ok {
		addTo(&b.sums[src].TxBytes, f.row.TxBytes)
		addTo(&b.sums[src].RxBytes, f.row.RxBytes)
	}
	if dst, ok := b.owners[f.row.Dst.Addr()]; ok {
		addTo(&b.sums[dst].TxBytes, f.row.RxBytes)
		addTo(&b.sums[dst].RxBytes, f.row.TxBytes)
	}
}

// addTo adds n to sum, which saturates.
func addTo(sum *uint64, n uint64) { *sum = flowtable.Sum(*sum, n) }

// addOthers adds the flows that did not fit.
func (b *builder) addOthers() {
	for class, steps := range b.others {
		row := flowtable.Row{Class: flowtable.Class(class), Other: true}
		for step, c := range steps {
			if step >= b.from {
				row.Counts = row.Counts.Add(c)
			}
		}
		if b.add(&flowRow{row: row}) {
			for step, c := range steps {
				m := sample{step: step, Counts: c}
				m.addBytes(b.answer.Classes[class].Series, b.from)
			}
		}
	}
}

func (b *builder) flowSum(f *flowRow) flowSum {
	s := flowSum{
		Class: f.row.Class.String(), State: f.row.State(), Src: f.src, Dst: f.dst,
		TxBytes: f.row.TxBytes, RxBytes: f.row.RxBytes, TxPkts: f.row.TxPackets, RxPkts: f.row.RxPackets,
		Other: f.row.Other, AtLeast: f.folded != 0 && f.folded >= b.from,
	}
	if f.row.Proto != 0 {
		s.Proto = f.row.Proto.String()
	}
	if f.row.Src.IsValid() {
		s.Src.Addr = f.row.Src.Addr().String()
	}
	if f.row.Dst.IsValid() {
		s.Dst.Addr = f.row.Dst.Addr().String()
	}
	return s
}
