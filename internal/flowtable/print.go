package flowtable

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/go-netlog/netlog/record"
	"github.com/go-netlog/netlog/tunstats"
)

// side is one side of a flow.
type side struct{ netip.AddrPort }

// Print writes the table, in packets and bytes per second: a row per flow, the largest
// first, then totals. Lines have at most width columns if the numbers fit; zero means no
// limit. The only control characters are newlines.
func (t *Table) Print(w io.Writer, width int) error {
	rows := t.Rows()
	shown := rows
	if t.Top > 0 && len(rows) > t.Top {
		shown = rows[:t.Top]
	}
	head := cell{class: "class", proto: "proto", src: "source", dst: "destination"}
	if slices.ContainsFunc(shown, func(r Row) bool { return r.state() != "" }) {
		head.state = "state"
	}
	cells := make([]cell, 0, len(shown)+1)
	cells = append(cells, head)
	for i := range shown {
		cells = append(cells, t.cell(&shown[i]))
	}
	l := newLayout(cells, width)
	b := bufio.NewWriter(w)
	l.line(b, cells[0], [4]string{"tx p/s", "tx B/s", "rx p/s", "rx B/s"})
	for i, c := range cells[1:] {
		l.line(b, c, t.rates(shown[i].Counts))
	}
	if n := len(rows) - len(shown); n > 0 {
		fmt.Fprintf(b, "(and %d more)\n", n)
	}
	t.totals(b, l, rows)
	return b.Flush()
}

// cell is the text of one row.
type cell struct{ class, proto, src, dst, state string }

// state returns the State of r, or "" if it is unknown.
func (r *Row) state() string {
	if s := r.State(); s != record.StateUnknown.String() {
		return s
	}
	return ""
}

func (t *Table) cell(r *Row) cell {
	c := cell{class: r.Class.String(), proto: r.Proto.String(), state: r.state()}
	if r.Proto == 0 {
		c.proto = "-"
	}
	switch {
	case r.Other:
		c.src, c.dst = "(other flows)", ""
	case !r.Src.IsValid() && !r.Dst.IsValid():
		c.src, c.dst = t.Reporter(r.Reporter), "("+r.Class.String()+")"
	default:
		c.src, c.dst = t.side(r.Src, r.Class), t.side(r.Dst, r.Class)
	}
	return c
}

// Reporter returns the name of a node to show, or the first digits of its ID.
func (t *Table) Reporter(id string) string {
	if t.NodeName != nil {
		if name := t.NodeName(id); name != "" {
			return Clean(name)
		}
	}
	if len(id) == 64 {
		id = id[:12]
	}
	return cmp.Or(Clean(id), "(unknown)")
}

// side returns an address with its port, or the class in parentheses if the record has no
// address.
func (t *Table) side(ap netip.AddrPort, class Class) string {
	if !ap.IsValid() {
		return "(" + class.String() + ")"
	}
	name := ""
	if t.Name != nil {
		name = Clean(t.Name(ap.Addr()))
	}
	switch {
	case name == "" && ap.Port() == 0:
		return ap.Addr().String()
	case name == "":
		return ap.String()
	case ap.Port() == 0:
		return name
	}
	return fmt.Sprintf("%s:%d", name, ap.Port())
}

// rates returns counts per second.
func (t *Table) rates(c tunstats.Counts) [4]string {
	s := t.seconds()
	return [4]string{
		short(float64(c.TxPackets) / s), short(float64(c.TxBytes) / s),
		short(float64(c.RxPackets) / s), short(float64(c.RxBytes) / s),
	}
}

// totals writes the sum of each class and a summary of the records.
func (t *Table) totals(b *bufio.Writer, l layout, rows []Row) {
	var sums [numClasses]tunstats.Counts
	var flows [numClasses]int
	for i := range rows {
		c := rows[i].Class
		sums[c] = sums[c].Add(rows[i].Counts)
		flows[c]++
	}
	for c := range numClasses {
		if flows[c] > 0 {
			volume := short(float64(Sum(sums[c].TxBytes, sums[c].RxBytes))) + "B"
			l.total(b, fmt.Sprintf("%s total", c), Plural(flows[c], "flow")+", "+volume, t.rates(sums[c]))
		}
	}
	fmt.Fprintf(b, "%s, %s, %s\n", Plural(t.records, "record"), Plural(len(t.names), "node"), Plural(t.entries, "entry"))
	t.time(b)
	if t.lost > 0 {
		fmt.Fprintf(b, "%s not counted: a node could not read them in time\n", Plural(t.lost, "packet"))
	}
	switch t.grain {
	case services:
		fmt.Fprintf(b, "more than %d flows: shown without the higher port and states\n", t.limit())
	case pairs:
		fmt.Fprintf(b, "more than %d flows: shown without ports and states\n", t.limit())
	}
}

// time writes the time that rates are averaged over.
func (t *Table) time(b *bufio.Writer) {
	if t.Span > 0 {
		fmt.Fprintf(b, "rates over the last %s\n", Plural(int(t.Span.Seconds()), "second"))
		return
	}
	if !t.start.IsZero() {
		fmt.Fprintf(b, "%s to %s (%v)\n", t.start.UTC().Format(time.DateTime), t.end.UTC().Format(time.DateTime+" UTC"),
			t.end.Sub(t.start).Round(time.Millisecond))
	}
	switch {
	case t.records > 0 && t.start.IsZero():
		b.WriteString("no times: these are totals, not rates\n")
	case t.timeless > 0:
		fmt.Fprintf(b, "%s without a time that can be: in the counts, not in the time\n", Plural(t.timeless, "record"))
	}
}

// short formats x in at most 5 columns, with a unit for its power of 1000.
func short(x float64) string {
	const units = " kMGTPEZY"
	i := 0
	for x >= 999.5 && i < len(units)-1 {
		x /= 1000
		i++
	}
	digits := 0
	switch {
	case x == 0:
		return "0"
	case x < 0.005:
		return "<.01"
	case x < 9.995:
		digits = 2
	case x < 99.95:
		digits = 1
	}
	return strings.TrimSuffix(fmt.Sprintf("%.*f%c", digits, x, units[i]), " ")
}
