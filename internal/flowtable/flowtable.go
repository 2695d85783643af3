// Package flowtable adds up the flows of many records and prints them as a table.
//
// A flow inside the VPN is reported several times: by the nodes at both ends and by every
// hub between them. The table keeps the reporters apart and counts each flow once, as one
// of its ends reports it, or a hub if no end does.
package flowtable

import (
	"cmp"
	"math"
	"net/netip"
	"time"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/internal/records"
	"github.com/go-netlog/netlog/record"
	"github.com/go-netlog/netlog/tunstats"
)

// DefaultMaxFlows limits a Table to about 100 MiB.
const DefaultMaxFlows = 1 << 18

const (
	maxWindow = 24 * time.Hour       // of one record; this library uses seconds
	maxAway   = 366 * 24 * time.Hour // between a window and its server time; a node may be offline for long
)

// Table adds up flows. The zero Table is empty and ready for use. Its fields must be set
// before the first Add. It is not safe for concurrent use.
type Table struct {
	// MaxFlows limits the flows in memory, counted once for every node that
	// reports them. The default is DefaultMaxFlows. Beyond it, all flows lose the
	// higher of their two ports, and then both, and with that their states. Flows
	// that still do not fit are added up in one row per class.
	MaxFlows int
	// Span is the time that rates are averaged over. Zero means that of all windows.
	Span time.Duration
	// Top limits the rows that Print shows. Zero means all.
	Top int
	// Name returns the text to show for an address, or "" for the address itself. It may be nil.
	Name func(netip.Addr) string
	// Keep reports whether to show a row and to count it in the totals. It may be nil.
	Keep func(*Row) bool
	// NodeName returns the text to show for a reporter, or "" for its ID. It may be nil.
	NodeName func(reporter string) string

	flows     map[key]*Flow
	reporters map[string]uint32
	names     []string // of reporters, by number
	grain     grain
	records   int
	entries   int // flows added, with repetitions
	timeless  int // records with an impossible window
	lost      uint64
	start     time.Time
	end       time.Time
}

// key identifies one flow as one node reports it.
type key struct {
	reporter uint32
	class    Class
	other    bool // the flows that do not fit, of all reporters
	flowtrack.Tuple
}

// Flow is what one node reports of a flow, in all its windows. The zero Flow is empty.
type Flow struct {
	tunstats.Counts
	conn   record.Conn
	start  time.Time // of the last window; zero if unknown
	hidden bool      // the windows were not in order, or are those of several flows: conn stays empty
}

// Add adds a window that began at start, which is zero if unknown.
func (f *Flow) Add(c tunstats.Counts, start time.Time) {
	f.Counts = f.Counts.Add(c)
	f.hidden = f.hidden || start.Before(f.start)
	if f.conn, f.start = f.conn.Add(c), start; f.hidden {
		f.conn = record.Conn{}
	}
}

// grain is how much of a tuple is kept.
type grain uint8

const (
	fine     grain = iota // the whole tuple
	services              // without the higher port, which is the same for both ends
	pairs                 // without ports
)

// cut removes what g does not keep from t.
func (g grain) cut(t flowtrack.Tuple) flowtrack.Tuple {
	sp, dp := t.Src.Port(), t.Dst.Port()
	if g == pairs || g == services && sp > dp {
		t.Src = withoutPort(t.Src)
	}
	if g == pairs || g == services && dp > sp {
		t.Dst = withoutPort(t.Dst)
	}
	return t
}

func withoutPort(ap netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(ap.Addr(), 0) }

// Add adds the flows of r, unless r is an event. It does not retain r.
func (t *Table) Add(r *records.Record) {
	if r.IsEvent() {
		return
	}
	t.records++
	t.lost = Sum(t.lost, r.LostPackets)
	t.widen(r)
	k := key{reporter: t.number(r.Reporter())}
	for k.class = range numClasses {
		for _, c := range k.class.Traffic(&r.Message) {
			t.entries++
			k.Tuple = t.grain.cut(c.Tuple)
			t.add(k, c.Counts, r.Start)
		}
	}
}

// widen adds the window of r to the time that rates are averaged over. It ignores
// impossible windows: one record of the year 0 would make all rates zero.
func (t *Table) widen(r *records.Record) {
	length, at := r.End.Sub(r.Start), r.Logtail.ServerTime
	if r.Start.IsZero() || length < 0 || length > maxWindow || !at.IsZero() && at.Sub(r.End).Abs() > maxAway {
		t.timeless++
		return
	}
	if t.start.IsZero() {
		t.start, t.end = r.Start, r.End
	}
	if r.Start.Before(t.start) {
		t.start = r.Start
	}
	if r.End.After(t.end) {
		t.end = r.End
	}
}

// number returns the number of a reporter. All reporters beyond MaxFlows share one.
func (t *Table) number(reporter string) uint32 {
	n, ok := t.reporters[reporter]
	switch {
	case ok:
		return n
	case len(t.names) >= t.limit():
		return uint32(len(t.names))
	case t.reporters == nil:
		t.reporters = make(map[string]uint32)
	}
	n = uint32(len(t.names))
	t.reporters[reporter] = n
	t.names = append(t.names, reporter)
	return n
}

func (t *Table) add(k key, c tunstats.Counts, start time.Time) {
	if f := t.flows[k]; f != nil {
		f.Add(c, start)
		return
	}
	if t.flows == nil {
		t.flows = make(map[key]*Flow)
	}
	for len(t.flows) >= t.limit() && t.grain < pairs {
		t.coarsen()
		k.Tuple = t.grain.cut(k.Tuple)
	}
	if t.flows[k] == nil && len(t.flows) >= t.limit() {
		k = key{class: k.class, other: true}
	}
	f := t.flows[k]
	if f == nil {
		f = &Flow{hidden: t.grain != fine || k.other}
		t.flows[k] = f
	}
	f.Add(c, start)
}

// coarsen makes room. It cuts all flows alike, so that a flow still looks the same from
// both ends.
func (t *Table) coarsen() {
	t.grain++
	old := t.flows
	t.flows = make(map[key]*Flow, len(old)/4)
	for k, f := range old {
		k.Tuple = t.grain.cut(k.Tuple)
		if sum := t.flows[k]; sum != nil {
			sum.Counts = sum.Counts.Add(f.Counts)
		} else {
			f.conn, f.hidden = record.Conn{}, true // it may be the sum of several flows from now on
			t.flows[k] = f
		}
	}
}

func (t *Table) limit() int { return cmp.Or(t.MaxFlows, DefaultMaxFlows) }

// seconds returns the time that rates are averaged over. It is never zero.
func (t *Table) seconds() float64 {
	switch {
	case t.Span > 0:
		return t.Span.Seconds()
	case t.start.IsZero():
		return 1
	}
	return math.Max(t.end.Sub(t.start).Seconds(), 1e-3)
}
