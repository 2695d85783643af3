package doubleentry

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-netlog/netlog/cmd/netlog/internal/names"
	"github.com/go-netlog/netlog/internal/flowtable"
	"github.com/go-netlog/netlog/internal/records"
)

const (
	maxShown = 64 // limits the bytes shown of an ID, which a node can choose freely
	maxNamed = 10 // limits the nodes that a finding names
)

// node is one node and what its records say of it. The survey fills all but the shares.
type node struct {
	id, label  string // label is printable
	records    int    // distinct ones
	unnumbered int    // records without a sequence number
	processes  map[uint32]*process
	claims     map[string]*claim // by the node ID claimed
	hubOf      map[*flow]bool    // the flows of which it reports both sides
	lost       uint64            // packets that it says it could not count
	times
	shares
}

// process is one run of the daemon of a node. Between two processes the node did not
// count. The survey fills it.
type process struct {
	window  // from the first start of a record to the last end
	first   records.Pos
	seqs    records.Seqs
	hashes  map[uint64]uint64 // of the records, by sequence number; the second reading removes what it has read
	dropped uint64            // entries that the node reports as dropped
}

func newNode(id string, name func(id string) string) *node {
	n := &node{id: id, processes: make(map[uint32]*process), claims: make(map[string]*claim)}
	if name != nil {
		n.label = flowtable.Clean(name(id))
	}
	if n.label == "" {
		short := names.ShortID(id)
		n.label = flowtable.Clean(short[:min(len(short), maxShown)])
	}
	return n
}

// String describes n in a line of the Report.
func (n *node) String() string {
	return fmt.Sprintf("%s: %s, %s, %s, clock %s%s", n.label, n.times.String(),
		flowtable.Plural(n.records, "record"), flowtable.Plural(len(n.processes), "process"), n.clock, n.shares.String())
}

// first returns the position of the first record of n.
func (n *node) first() records.Pos {
	p := slices.MinFunc(slices.Collect(maps.Values(n.processes)), func(p, q *process) int { return comparePos(p.first, q.first) })
	return p.first
}

// labels returns the labels of at most maxNamed nodes.
func labels(nodes []*node) string {
	var who []string
	for _, n := range nodes[:min(len(nodes), maxNamed)] {
		who = append(who, n.label)
	}
	if len(nodes) > maxNamed {
		who = append(who, "...")
	}
	return strings.Join(who, ", ")
}
