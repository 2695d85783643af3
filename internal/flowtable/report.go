package flowtable

import (
	"slices"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/record"
	"github.com/go-netlog/netlog/tunstats"
)

// Report is what one node reports of one flow, for programs that keep flows in a table of their own.
type Report struct {
	Node  uint32 // a number of the caller
	Class Class
	Other bool // the sum of flows that do not fit, of all nodes
	flowtrack.Tuple
	tunstats.Counts
	Conn record.Conn
}

// FlowKey identifies a flow. It is comparable.
type FlowKey struct{ group }

// Key returns the flow that r is about. Reports with equal keys are reports of one flow.
func (r *Report) Key() FlowKey { return FlowKey{r.view().group} }

func (r *Report) view() view {
	k := key{reporter: r.Node, class: r.Class, other: r.Other, Tuple: r.Tuple}
	return newView(k, &flow{Counts: r.Counts, conn: r.Conn})
}

// CountOnce returns the flow that reports are about, which must have equal keys, and the number of a node
// that counted it. It sorts reports, and puts those that it counted first; n is their number. The
// Reporter of the Row is empty.
func CountOnce(reports []Report) (row Row, node uint32, n int) {
	if len(reports) == 1 {
		v := reports[0].view()
		return v.row(""), v.reporter, 1
	}
	slices.SortFunc(reports, func(a, b Report) int { return a.view().compare(b.view()) })
	views := make([]view, len(reports))
	for i := range reports {
		views[i] = reports[i].view()
	}
	v, from := count(views)
	for i, w := range views {
		hub := slices.ContainsFunc(views, func(o view) bool { return o.reporter == w.reporter && o.reverse != w.reverse })
		if from >= 0 && !hub && side01(w.reverse) == from || from < 0 && n == 0 && w == v {
			reports[n], reports[i] = reports[i], reports[n]
			n++
		}
	}
	return v.row(""), v.reporter, n
}
