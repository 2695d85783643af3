package doubleentry

import (
	"errors"
	"slices"

	"github.com/go-netlog/netlog/internal/records"
)

// accounts is the second reading. It adds up the counts of each report of the survey.
type accounts struct {
	survey     *survey
	ends       ends
	unnumbered map[*node]int // records without a sequence number that were read again
	left       int           // records of the survey that were not read again
}

// read reads all records for the second time.
func (a *accounts) read(all Source) error {
	for rec, err := range all() {
		if _, ok := errors.AsType[*records.Error](err); ok {
			continue // the survey has found it
		}
		if err != nil {
			return err
		}
		if n := a.survey.byID[nodeID(rec)]; n != nil && a.isLeft(n, rec) {
			a.left--
			a.add(n, rec)
		}
	}
	if a.left > 0 { // their flows would go unchecked
		return errors.New("the input had less at the second reading: give files that stay, not pipes")
	}
	return nil
}

// isLeft reports whether rec is a record of the survey that was not read again. A running
// collector adds records meanwhile.
func (a *accounts) isLeft(n *node, rec *records.Record) bool {
	p := n.processes[rec.Logtail.ProcID]
	if p == nil {
		return false
	}
	if !rec.HasSeq() {
		a.unnumbered[n]++
		return a.unnumbered[n] <= n.unnumbered // a file grows at its end
	}
	_, left := p.hashes[rec.Logtail.ProcSeq]
	delete(p.hashes, rec.Logtail.ProcSeq)
	return left
}

// add adds the counts of rec.
func (a *accounts) add(n *node, rec *records.Record) {
	w := window{rec.Start, rec.End}
	if !w.valid() {
		return
	}
	w = w.shift(n.clock.behind)
	for _, t := range matchable(rec) {
		tuple, from := ordered(t.Tuple)
		f := a.survey.flows[tuple]
		if f == nil {
			continue // the file was changed
		}
		r := f.report(n, from)
		if r == nil {
			continue
		}
		r.all = r.all.Add(t.Counts)
		if !a.otherCounted(f, r, w) {
			r.edge = r.edge.Add(t.Counts)
		}
	}
}

// otherCounted reports whether a node at the other side of f counted during all of w, a window of the node of r.
func (a *accounts) otherCounted(f *flow, r *report, w window) bool {
	counted := func(n *node) bool { return n != r.node && n.counted(w, &r.node.times, a.survey.Slack) }
	other := f.other(r.from)
	reported, whole := false, false
	for o := range f.from(other) {
		if o.node == r.node {
			continue
		}
		reported = true
		switch {
		case counted(o.node):
			whole = true
		case o.node.countedPart(w):
			return false // it started or stopped during w
		}
	}
	if reported {
		return whole
	}
	return slices.ContainsFunc(a.ends.at(f, other), counted)
}
