package doubleentry

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/go-netlog/netlog/internal/flowtable"
	"github.com/go-netlog/netlog/internal/records"
)

// Report is the result of a check.
type Report struct {
	Findings           []Finding // by file, line and kind; a bounded number of each kind
	Notes              []string  // what limits the check, and what was left out above
	Nodes              []string  // a line about each node
	Matched, Unmatched int       // flows that both sides report, and that one side reports
	Compared           int       // directions between two addresses with counts of both sides for the same time
	Total              int       // number of findings, including those left out
}

// Finding is one disagreement.
type Finding struct {
	Pos  records.Pos // zero: no place
	Kind string
	Text string
}

const (
	maxTold       = 1000 // limits the findings of each kind, and the notes of each kind, in a Report
	maxUnreadable = 100  // limits the unreadable positions in a Report
)

// findings collects a Report. All steps add to it.
type findings struct {
	Report
	told, noted map[string]int // number of findings and notes of each kind, including those left out
	unreadable  int            // number of positions that could not be read
}

// found adds a finding.
func (f *findings) found(pos records.Pos, kind, format string, args ...any) {
	if f.told[kind]++; f.told[kind] <= maxTold {
		f.Findings = append(f.Findings, Finding{pos, kind, fmt.Sprintf(format, args...)})
	}
}

// foundUnreadable adds a finding for a position that could not be read.
func (f *findings) foundUnreadable(e *records.Error) {
	if f.unreadable++; f.unreadable <= maxUnreadable {
		f.found(e.Pos, "unreadable", "%s", flowtable.Clean(e.Err.Error()))
	}
}

// note adds a note, which is not a finding but limits what the check proves.
func (f *findings) note(format string, args ...any) {
	if f.noted[format]++; f.noted[format] <= maxTold {
		f.Notes = append(f.Notes, fmt.Sprintf(format, args...))
	}
}

// result completes the Report.
func (f *findings) result(nodes []*node) *Report {
	slices.SortStableFunc(f.Findings, func(x, y Finding) int {
		return cmp.Or(comparePos(x.Pos, y.Pos), cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.Text, y.Text))
	})
	f.Total = len(f.Findings) + beyond(f.told)
	if more := f.unreadable - maxUnreadable; more > 0 {
		f.Notes = slices.Insert(f.Notes, 0, flowtable.Plural(more, "more place")+" cannot be read")
	}
	if more := beyond(f.noted); more > 0 {
		f.Notes = append(f.Notes, "and "+flowtable.Plural(more, "more note"))
	}
	for _, kind := range slices.Sorted(maps.Keys(f.told)) {
		if more := f.told[kind] - maxTold; more > 0 {
			f.Notes = append(f.Notes, fmt.Sprintf("and %s of this kind: %s", flowtable.Plural(more, "more finding"), kind))
		}
	}
	for _, n := range nodes {
		f.Nodes = append(f.Nodes, n.String())
	}
	return &f.Report
}

// beyond returns how many findings or notes, counted by kind, are beyond maxTold.
func beyond(told map[string]int) (n int) {
	for _, all := range told {
		n += max(0, all-maxTold)
	}
	return n
}

// comparePos orders positions by file and line.
func comparePos(a, b records.Pos) int {
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
}
