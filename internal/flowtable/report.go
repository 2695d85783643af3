package flowtable

import (
	"cmp"
	"slices"

	"github.com/go-netlog/netlog/flowtrack"
)

// Report is what one node reports of one flow, for programs that keep flows in a table of their own.
type Report struct {
	Node  uint32 // a number of the caller
	Class Class
	flowtrack.Tuple
	Flow
}

// FlowKey identifies a flow. It is comparable.
type FlowKey struct{ group }

// Key returns the flow that r is about. Reports with equal keys are reports of one flow.
func (r *Report) Key() FlowKey { return FlowKey{r.view().group} }

func (r *Report) view() view {
	return newView(key{reporter: r.Node, class: r.Class, Tuple: r.Tuple}, &r.Flow)
}

// CountOnce returns the flow that reports are about, which must have equal keys, and the number of a node
// that counted it. It sorts reports, and puts those that it counted first; n is their number. The
// Reporter of the Row is empty.
func CountOnce(reports []Report) (row Row, node uint32, n int) {
	if len(reports) == 1 {
		v := reports[0].view()
		return v.row(""), v.reporter, 1
	}
	slices.SortFunc(reports, func(a, b Report) int { // as view.compare, since their keys are equal
		return cmp.Or(cmp.Compare(a.Node, b.Node), a.Src.Compare(b.Src), cmp.Compare(a.Class, b.Class))
	})
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
