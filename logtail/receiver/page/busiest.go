package page

import (
	"cmp"
	"maps"
	"slices"
)

// matrix adds the traffic between the busiest nodes.
func (b *builder) matrix() {
	busy := make(map[string]uint64)
	for pair, n := range b.sent {
		for _, name := range pair {
			sum := busy[name]
			addTo(&sum, n)
			busy[name] = sum
		}
	}
	names := slices.SortedFunc(maps.Keys(busy), func(x, y string) int {
		return cmp.Or(cmp.Compare(busy[y], busy[x]), cmp.Compare(x, y))
	})
	m := &b.answer.Matrix
	m.Nodes, m.Bytes = append([]string{}, names[:min(maxBusiest, len(names))]...), [][]uint64{} // JSON arrays, not null
	m.More = len(names) - len(m.Nodes)
	for _, from := range m.Nodes {
		row := make([]uint64, len(m.Nodes))
		for i, to := range m.Nodes {
			row[i] = b.sent[[2]string{from, to}]
		}
		m.Bytes = append(m.Bytes, row)
	}
}

// nodeSums adds the nodes, the busiest first.
func (b *builder) nodeSums() {
	total := func(n nodeSum) uint64 {
		addTo(&n.TxBytes, n.RxBytes)
		return n.TxBytes
	}
	b.answer.Nodes = b.sums
	slices.SortStableFunc(b.answer.Nodes, func(x, y nodeSum) int {
		return cmp.Or(cmp.Compare(total(y), total(x)), cmp.Compare(x.Name, y.Name), cmp.Compare(x.ID, y.ID))
	})
}
