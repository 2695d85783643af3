package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"text/tabwriter"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/record"
	"github.com/go-netlog/netlog/tunstats"
)

// errMismatch is returned if counts differ or records are missing.
var errMismatch = errors.New("the numbers do not agree")

// row is one flow as one node counted it, over all its records. It is shown from the side that began or sent first, as
// far as that is known.
type row struct {
	node, class string
	record.ConnectionCounts
	state string // of a connection, or "-"
}

// end holds the counts of one end of the tunnel.
type end struct {
	name    string
	device  tunstats.Counts // traffic through its tun, counted without netlog
	records tunstats.Counts // the sum over its records, without the underlay and what its filter dropped
	windows int
}

// report compares the records with the traffic.
type report struct {
	ends [2]end
	rows []row // by node, then class, then volume
}

// classes are the kinds of traffic of a record, in the order of the table.
var classes = [...]struct {
	name string
	of   func(*netlog.Message) []record.ConnectionCounts
}{
	{"virtual", func(m *netlog.Message) []record.ConnectionCounts { return m.VirtualTraffic }},
	{"subnet", func(m *netlog.Message) []record.ConnectionCounts { return m.SubnetTraffic }},
	{"exit", func(m *netlog.Message) []record.ConnectionCounts { return m.ExitTraffic }},
	{"physical", func(m *netlog.Message) []record.ConnectionCounts { return m.PhysicalTraffic }},
	{"denied", func(m *netlog.Message) []record.ConnectionCounts { return m.DeniedTraffic }},
}

func newReport(seen *book, nodes ...*node) *report {
	r := new(report)
	for i, n := range nodes {
		messages := seen.of(n.name)
		r.ends[i] = end{name: n.name, device: n.tally.Counts(), windows: len(messages)}
		for _, class := range classes {
			flows := make(map[flowtrack.Tuple][]tunstats.Counts) // the windows of each
			for _, m := range messages {
				for _, c := range class.of(m) {
					flows[c.Tuple] = append(flows[c.Tuple], c.Counts)
				}
			}
			first := len(r.rows)
			for t, windows := range flows {
				r.rows = append(r.rows, newRow(n.name, class.name, t, windows))
				for _, c := range windows {
					if class.name != "physical" && class.name != "denied" {
						r.ends[i].records = r.ends[i].records.Add(c)
					}
				}
			}
			slices.SortFunc(r.rows[first:], func(a, b row) int {
				return cmp.Or(cmp.Compare(b.TxBytes+b.RxBytes, a.TxBytes+a.RxBytes), cmp.Compare(a.Tuple.String(), b.Tuple.String()))
			})
		}
		r.ends[i].records.TxFlags, r.ends[i].records.RxFlags = 0, 0 // the tally of the device has none
	}
	return r
}

func newRow(node, class string, t flowtrack.Tuple, windows []tunstats.Counts) row {
	r := row{node, class, record.ConnectionCounts{Tuple: t}, "-"}
	for _, c := range windows {
		r.Counts = r.Counts.Add(c)
	}
	c := record.ConnOf(windows...)
	switch s := c.State(); {
	case class == "physical":
		return r // from the peer to its endpoint
	case class == "denied":
		r.state = class
	case s != record.StateUnknown:
		r.state = s.String()
	}
	r.ConnectionCounts = c.Orient(r.ConnectionCounts)
	return r
}

// print writes the table.
func (r *report) print(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	const numbers = "%10v %10v %10v %10v\n"
	fmt.Fprintf(t, "node\tclass\tproto\tsource\tdestination\tstate\t"+numbers, "tx packets", "tx bytes", "rx packets", "rx bytes")
	for _, row := range r.rows {
		proto := row.Proto.String()
		if row.Proto == flowtrack.Unknown {
			proto = "-" // the underlay, and totals of exit traffic
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t"+numbers, row.node, row.class, proto,
			side(row.Src), side(row.Dst), row.state, row.TxPackets, row.TxBytes, row.RxPackets, row.RxBytes)
	}
	t.Flush()
}

// side formats one side of a flow, without port 0.
func side(ap netip.AddrPort) string {
	switch {
	case !ap.IsValid():
		return "-"
	case ap.Port() == 0:
		return ap.Addr().String()
	}
	return ap.String()
}

// check compares the numbers. The records must contain exactly what passed through each device. UDP between the
// devices may lose packets but not add any.
func (r *report) check(w io.Writer) error {
	a, b := r.ends[0], r.ends[1]
	fmt.Fprintln(w)
	for _, e := range r.ends {
		if e.records != e.device {
			fmt.Fprintf(w, "MISMATCH: the %d records of %s hold %+v, but %+v passed through its device\n", e.windows, e.name, e.records, e.device)
			return errMismatch
		}
	}
	there, ok1 := lost(a.records.TxPackets, b.records.RxPackets)
	back, ok2 := lost(b.records.TxPackets, a.records.RxPackets)
	line := fmt.Sprintf("%s sent %d packets (%d bytes) and %s received %d (%d); %s sent %d (%d) and %s received %d (%d)",
		a.name, a.records.TxPackets, a.records.TxBytes, b.name, b.records.RxPackets, b.records.RxBytes,
		b.name, b.records.TxPackets, b.records.TxBytes, a.name, a.records.RxPackets, a.records.RxBytes)
	switch {
	case !ok1 || !ok2:
		fmt.Fprintln(w, "MISMATCH: "+line)
		return errMismatch
	case there+back > 0:
		fmt.Fprintf(w, "OK: %s. %d packets were lost on the way, as UDP may.\n", line, there+back)
	default:
		fmt.Fprintf(w, "OK: %s.\n", line)
	}
	return nil
}

// lost returns the number of lost packets. ok is false if more packets arrived than were sent, or if more than
// one in twenty was lost.
func lost(sent, received uint64) (n uint64, ok bool) {
	if received > sent {
		return 0, false
	}
	n = sent - received
	return n, n <= sent/20
}
