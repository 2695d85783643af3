package doubleentry

import (
	"cmp"
	"iter"
	"net/netip"
	"time"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/internal/records"
	"github.com/go-netlog/netlog/tunstats"
)

// books holds what several nodes report of their traffic.
//
// The records are read twice. The first reading finds the nodes, the times when they counted, and
// their flows. The second reading adds up the counts. It needs the times of all nodes, since a
// window can only be compared if the other node was counting too.
type books struct {
	Options

	nodes    []*node
	byID     map[string]uint32
	accounts map[account]*entries
	flows    map[flowtrack.Tuple][]account // by the tuple with the smaller side first
	owners   map[netip.Addr][]uint32       // the nodes that have an address as their own side of a flow
	folded   map[pair]bool                 // pairs with a flow that a node reports without ports

	findings           []Finding
	notes              []string
	told, noted        map[string]int // number of findings and notes of each kind, including those not kept
	matched, unmatched int
	compared           int // directions between two addresses with counts of both sides

	held     int // counts against MaxFlows
	surveyed int // distinct records of the first reading
	entered  int // distinct records of the second reading
	skipped  int // number of positions that could not be read
}

// account identifies one flow as one node reports it.
type account struct {
	node uint32
	flowtrack.Tuple
}

// entries holds the sums of an account.
type entries struct {
	all         tunstats.Counts
	edge        tunstats.Counts // of the windows in which the other side may not have counted
	first, last records.Pos
	virtual     bool
	transit     bool // the node reports both sides: it is a hub for this flow
	used        bool // the account is that of a hub, and counts for this side
}

// node is one node and what its records say of it.
type node struct {
	num     uint32
	id      string
	records int
	procs   map[uint32]*process
	claims  map[string]*claim // by the node ID claimed
	ahead   time.Duration     // the smallest difference of server time and client time: latency and clock error
	timed   bool              // ahead is known
	longest time.Duration     // the longest window
	spans   []span            // when it counted, by the clock of the server; sorted and disjoint
	bare    int               // records without a sequence number
	entered int               // records without a sequence number in the second reading
	sent    share             // of the packets that others report as sent to it
	recv    share             // of the packets that others report as received from it
	lost    uint64            // packets that it says it could not count
}

// process is one run of the daemon of a node. Between two processes the node did not
// count.
type process struct {
	seqs        records.Seqs
	sums        map[uint64]uint64 // the hash of each record, by sequence number
	start, end  time.Time
	first, last records.Pos
	dropped     uint64 // entries that the node reports as dropped
}

// claim is a node ID that records state.
type claim struct {
	member     string // the JSON member of the first record with it
	pos        records.Pos
	start, end time.Time
}

// span is a time during which a node counted.
type span struct {
	start, end time.Time
	late       bool // earlier entries are missing, so it began earlier
}

// share is a part of a number of packets.
type share struct{ part, all uint64 }

// Source returns all records in order. It is called twice.
type Source = func() iter.Seq2[*records.Record, error]

// Options configures a check.
type Options struct {
	Loss     float64                // percent of the packets of a flow that may be lost
	Slack    time.Duration          // nodes that stop this close together count as stopping at once
	MaxFlows int                    // limits the accounts, processes and claims in memory; 0: no limit
	Complete bool                   // records of all nodes are present from the first, so a missing one is a finding
	Name     func(id string) string // returns the name of a node, or ""; may be nil
}

// newBooks returns empty books.
func newBooks(opt Options) *books {
	return &books{
		Options:  opt,
		byID:     make(map[string]uint32),
		accounts: make(map[account]*entries),
		flows:    make(map[flowtrack.Tuple][]account),
		owners:   make(map[netip.Addr][]uint32),
		folded:   make(map[pair]bool),
		told:     make(map[string]int),
		noted:    make(map[string]int),
	}
}

// nodeID returns the identity of the node that wrote rec. If the record has none, it is
// the name of the file, which keeps such nodes apart.
func (b *books) nodeID(rec *records.Record) string {
	return cmp.Or(rec.Reporter(), rec.Pos.File)
}

// node returns the node that wrote rec. It adds the node if it is new.
func (b *books) node(rec *records.Record) *node {
	id := b.nodeID(rec)
	num, ok := b.byID[id]
	if !ok {
		num = uint32(len(b.nodes))
		b.byID[id] = num
		b.nodes = append(b.nodes, &node{num: num, id: id, procs: make(map[uint32]*process), claims: make(map[string]*claim)})
	}
	return b.nodes[num]
}
