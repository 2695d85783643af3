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

// books are what several nodes say of their traffic.
//
// They are read twice. The first time tells who reports what and when, the
// second adds up, because what a window may be held against depends on when
// the other node was there to count.
type books struct {
	Options

	nodes    []*node
	byID     map[string]uint32
	accounts map[account]*entries
	flows    map[flowtrack.Tuple][]account // by the tuple with its sides in order
	owners   map[netip.Addr][]uint32       // who stands at an address, as an end of flows
	folded   map[pair]bool                 // of one of whose flows someone has folded the ports away

	findings           []finding
	notes              []string
	told, noted        map[string]int // findings and notes of each kind, those too many to keep too
	matched, unmatched int

	held     int // of maxFlows
	surveyed int // records of the first reading that count
	entered  int // and of the second
	skipped  int // places that cannot be read
}

// account is one flow in the books of one node.
type account struct {
	node uint32
	flowtrack.Tuple
}

// entries are what an account comes to.
type entries struct {
	all         tunstats.Counts
	edge        tunstats.Counts // of windows when the other side may not have been there to count
	first, last records.Pos
	virtual     bool
	transit     bool // the node reports both sides, so the flow goes through it
	speaks      bool // and it speaks for this side
}

// node is one node.
type node struct {
	num     uint32
	id      string
	records int
	procs   map[uint32]*process
	claims  map[string]*claim // node IDs that it gives itself
	ahead   time.Duration     // server time less client time, at its least: latency and clock
	timed   bool              // ahead is known
	longest time.Duration     // of its windows
	spans   []span            // when it counted, by the server's clock, in order and apart
	bare    int               // records without a sequence number
	entered int               // of these, at the second reading
	sent    share             // of the packets that others say they sent to it
	recv    share             // of the packets that others say they received from it
}

// process is one run of a node's daemon: between two of them it did not count.
type process struct {
	seqs        records.Seqs
	sums        map[uint64]uint64 // of the bytes of each record, by sequence number
	start, end  time.Time
	first, last records.Pos
	dropped     uint64 // entries that it says it had to drop
}

// claim is a node ID inside the records.
type claim struct {
	member     string // where it stands first
	pos        records.Pos
	start, end time.Time
}

// span is a time in which a node counted.
type span struct {
	start, end time.Time
	late       bool // the entries before it are not here, so that it began earlier
}

// share is a part of a number of packets.
type share struct{ part, all uint64 }

// Source returns the records, from the first to the last. It is called twice.
type Source = func() iter.Seq2[*records.Record, error]

// Options say what to check for.
type Options struct {
	Loss     float64                // percent of the packets of a flow that may be lost on the way
	Slack    time.Duration          // books that end this far apart are taken to end together
	MaxFlows int                    // bounds the accounts, processes and claims held; 0: no bound
	Complete bool                   // all books are here, of all nodes and from their first entry
	Name     func(id string) string // the name of a node, or ""; may be nil
}

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

// nodeID names the node of rec; the file does where nothing else does, which is
// better than to throw all nodes together.
func (b *books) nodeID(rec *records.Record) string {
	return cmp.Or(rec.Reporter(), rec.Pos.File)
}

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
