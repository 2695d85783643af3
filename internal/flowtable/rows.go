package flowtable

import (
	"cmp"
	"slices"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/tunstats"
)

// Row is one flow, counted once. Tx is from Src to Dst and Rx is the reverse, both as
// counted by the node at Src.
type Row struct {
	Class    Class
	Reporter string // the node that counted, or one of several; "" for Other
	Other    bool   // the sum of all flows that did not fit
	flowtrack.Tuple
	tunstats.Counts
}

// Bytes returns the bytes of r in both directions.
func (r *Row) Bytes() uint64 { return sum(r.TxBytes, r.RxBytes) }

// Packets returns the packets of r in both directions.
func (r *Row) Packets() uint64 { return sum(r.TxPackets, r.RxPackets) }

// sum returns the sum of a and b. It saturates, as the counters do.
func sum(a, b uint64) uint64 {
	return tunstats.Counts{TxBytes: a}.Add(tunstats.Counts{TxBytes: b}).TxBytes
}

// Rows returns the flows, largest volume first. Equal tables return equal rows.
func (t *Table) Rows() []Row {
	views := make([]view, 0, len(t.flows))
	for k, c := range t.flows {
		views = append(views, newView(k, *c))
	}
	slices.SortFunc(views, view.compare)
	rows := make([]Row, 0, len(views))
	for i := 0; i < len(views); {
		n := i + 1
		for n < len(views) && views[n].group == views[i].group {
			n++
		}
		v := count(views[i:n])
		rows = append(rows, Row{Class: v.class, Reporter: t.name(v), Other: v.other, Tuple: v.tuple(), Counts: v.Counts})
		i = n
	}
	slices.SortStableFunc(rows, func(a, b Row) int {
		return cmp.Or(cmp.Compare(b.Bytes(), a.Bytes()), cmp.Compare(b.Packets(), a.Packets()))
	})
	return rows
}

// view is a flow as one node reports it.
type view struct {
	group
	reverse  bool // the node is at the side hi
	class    Class
	reporter uint32
	tunstats.Counts
}

// group identifies the views of one flow: the tuple with the smaller side first. A flow
// that only one node can know is a group of its own.
type group struct {
	other bool // the flows that did not fit, of no reporter
	alone bool
	who   uint32 // the reporter, if alone
	kind  Class  // if alone
	proto flowtrack.Proto
	lo    side
	hi    side
}

func newView(k key, c tunstats.Counts) view {
	v := view{class: k.class, reporter: k.reporter, Counts: c}
	v.other, v.proto, v.lo, v.hi = k.other, k.Proto, side{k.Src}, side{k.Dst}
	// Physical traffic looks different from both ends, and totals have no ends.
	if v.alone = k.class == Physical || k.Src == k.Dst; v.alone {
		v.who, v.kind = k.reporter, k.class
		return v
	}
	if v.lo.Compare(v.hi.AddrPort) > 0 {
		v.lo, v.hi, v.reverse = v.hi, v.lo, true
	}
	return v
}

func (v view) tuple() flowtrack.Tuple {
	if v.reverse {
		return flowtrack.Tuple{Proto: v.proto, Src: v.hi.AddrPort, Dst: v.lo.AddrPort}
	}
	return flowtrack.Tuple{Proto: v.proto, Src: v.lo.AddrPort, Dst: v.hi.AddrPort}
}

func (v view) compare(w view) int {
	return cmp.Or(
		v.lo.Compare(w.lo.AddrPort), v.hi.Compare(w.hi.AddrPort), cmp.Compare(v.proto, w.proto),
		cmpBool(v.other, w.other), cmpBool(v.alone, w.alone), cmp.Compare(v.who, w.who), cmp.Compare(v.kind, w.kind),
		cmp.Compare(v.reporter, w.reporter), cmpBool(v.reverse, w.reverse), cmp.Compare(v.class, w.class),
	)
}

func cmpBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// count returns the counts of a flow from the views of all nodes that report it, sorted
// by reporter.
//
// Each node reports its own side as Src. A node that reports both sides is a hub. The end
// that counted more is used, because the other one missed packets that were lost. Several
// nodes on one side, such as two routers of a subnet, saw different packets, so they are
// added up.
func count(views []view) view {
	var sides [2]view // lo and hi
	var ends [2]bool
	for i := 0; i < len(views); {
		n := i + 1
		for n < len(views) && views[n].reporter == views[i].reporter {
			n++
		}
		if views[i].reverse == views[n-1].reverse {
			at := side01(views[i].reverse)
			for _, v := range views[i:n] {
				if !ends[at] {
					sides[at], ends[at] = v, true // a sum has the class of the first
				} else {
					sides[at].Counts = sides[at].Counts.Add(v.Counts)
				}
			}
		}
		i = n
	}
	lo, hi := &sides[0], &sides[1]
	switch d := cmp.Compare(lo.bytes(), hi.bytes()); {
	case !ends[0] && !ends[1]:
		return largestHub(views)
	case d > 0 || !ends[1]:
		return *lo
	case d < 0 || !ends[0]:
		return *hi
	case hi.hi.Port()-1 > lo.lo.Port()-1: // the higher port is probably that of the client; 0 was cut
		return *hi
	}
	return *lo
}

// largestHub returns a view of the hub that counted most.
func largestHub(views []view) view {
	return slices.MaxFunc(views, func(a, b view) int { return cmp.Compare(a.bytes(), b.bytes()) })
}

func (v *view) bytes() uint64 { return sum(v.TxBytes, v.RxBytes) }

func side01(reverse bool) int {
	if reverse {
		return 1
	}
	return 0
}

// name returns the reporter of v, or "" if there is none or there are too many.
func (t *Table) name(v view) string {
	if v.other || uint64(v.reporter) >= uint64(len(t.names)) {
		return ""
	}
	return t.names[v.reporter]
}
