package flowtable

import (
	"cmp"
	"math"
	"slices"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/record"
	"github.com/go-netlog/netlog/tunstats"
)

// Row is one flow, counted once. Tx is from Src to Dst and Rx is the reverse, both as counted by
// the same node. Src is the side that began the flow, or else sent first or alone, as far as that is
// known; see [record.Conn]. Physical traffic is shown from the peer to its endpoint.
type Row struct {
	Class    Class
	Reporter string // the node that counted, or one of several; "" for Other
	Other    bool   // the sum of all flows that did not fit
	flowtrack.Tuple
	tunstats.Counts
	conn record.State
}

// State returns what became of the connection: the name of a [record.State], or "denied".
func (r *Row) State() string {
	if r.Class == Denied {
		return Denied.String()
	}
	return r.conn.String()
}

// States returns the results of State.
func States() []string {
	names := []string{Denied.String()}
	for s := record.StateUnknown; s <= record.StateReset; s++ {
		names = append(names, s.String())
	}
	return names
}

// Bytes returns the bytes of r in both directions.
func (r *Row) Bytes() uint64 { return Sum(r.TxBytes, r.RxBytes) }

// Packets returns the packets of r in both directions.
func (r *Row) Packets() uint64 { return Sum(r.TxPackets, r.RxPackets) }

// Sum returns a+b. It saturates at 2^64-1, as [tunstats.Counts.Add] does.
func Sum(a, b uint64) uint64 { return a + min(b, math.MaxUint64-a) }

// Rows returns the flows, largest volume first. Equal tables return equal rows.
func (t *Table) Rows() []Row {
	views := make([]view, 0, len(t.flows))
	for k, f := range t.flows {
		views = append(views, newView(k, f))
	}
	slices.SortFunc(views, view.compare)
	rows := make([]Row, 0, len(views))
	for i := 0; i < len(views); {
		n := i + 1
		for n < len(views) && views[n].group == views[i].group {
			n++
		}
		v, _ := count(views[i:n])
		if r := v.row(t.name(v)); t.Keep == nil || t.Keep(&r) {
			rows = append(rows, r)
		}
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
	conn record.Conn
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

func newView(k key, f *Flow) view {
	v := view{class: k.class, reporter: k.reporter, Counts: f.Counts, conn: f.conn}
	v.other, v.proto, v.lo, v.hi = k.other, k.Proto, side{k.Src}, side{k.Dst}
	// Physical traffic looks different from both ends, denied traffic is that of one filter, and
	// totals have no ends.
	if v.alone = k.class == Physical || k.class == Denied || k.Src == k.Dst; v.alone {
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

// row returns v from the side that began or sent first.
func (v view) row(reporter string) Row {
	cc := record.ConnectionCounts{Tuple: v.tuple(), Counts: v.Counts}
	if v.class != Physical {
		cc = v.conn.Orient(cc)
	}
	return Row{Class: v.class, Reporter: reporter, Other: v.other, Tuple: cc.Tuple, Counts: cc.Counts, conn: v.conn.State()}
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
// that counted more is used, because the other one missed packets that were lost. The state of
// the connection is that of the other end if this one does not have it. Several nodes on one
// side, such as two routers of a subnet, saw different packets, so they are added up.
//
// from is the side whose nodes were counted, as side01 returns it, or -1 if it was a hub.
func count(views []view) (v view, from int) {
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
					sides[at].conn = sides[at].conn.Join(v.conn)
				}
			}
		}
		i = n
	}
	lo, hi := &sides[0], &sides[1]
	switch d := cmp.Compare(lo.bytes(), hi.bytes()); {
	case !ends[0] && !ends[1]:
		return largestHub(views), -1
	case !ends[1]:
		return *lo, 0
	case !ends[0]:
		return *hi, 1
	case d > 0:
		return lo.or(hi), 0
	case d < 0:
		return hi.or(lo), 1
	case hi.hi.Port()-1 > lo.lo.Port()-1: // the higher port is probably that of the client; 0 was cut
		return hi.or(lo), 1
	}
	return lo.or(hi), 0
}

// or returns v with the connection as w, the view of the other end, shows it if v does not.
func (v view) or(w *view) view {
	if c := w.conn.Reverse(); v.conn.State() == record.StateUnknown && c.State() != record.StateUnknown {
		v.conn = c
	}
	return v
}

// largestHub returns a view of the hub that counted most.
func largestHub(views []view) view {
	return slices.MaxFunc(views, func(a, b view) int { return cmp.Compare(a.bytes(), b.bytes()) })
}

func (v *view) bytes() uint64 { return Sum(v.TxBytes, v.RxBytes) }

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
