// Package doubleentry checks the flow logs of several nodes against each other: what one
// node reports as sent, the other must report as received.
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

// Check reads all records twice and compares what the nodes report. It returns an error
// if they cannot be compared.
func Check(all Source, opt Options) (*Report, error) {
	b := newBooks(opt)
	if err := b.read(all); err != nil {
		return nil, err
	}
	b.check()
	return b.report(), nil
}

// maxTold limits the findings of each kind, and the notes of each kind, in a Report.
const maxTold = 1000

// more returns how many findings or notes, counted by kind, are beyond maxTold.
func more(told map[string]int) (n int) {
	for _, all := range told {
		n += max(0, all-maxTold)
	}
	return n
}

// found adds a finding.
func (b *books) found(pos records.Pos, kind, format string, args ...any) {
	if b.told[kind]++; b.told[kind] <= maxTold {
		b.findings = append(b.findings, Finding{pos, kind, fmt.Sprintf(format, args...)})
	}
}

// note adds a note, which is not a finding but limits what the check proves.
func (b *books) note(format string, args ...any) {
	if b.noted[format]++; b.noted[format] <= maxTold {
		b.notes = append(b.notes, fmt.Sprintf(format, args...))
	}
}

// report returns the results of check.
func (b *books) report() *Report {
	slices.SortStableFunc(b.findings, func(x, y Finding) int {
		return cmp.Or(comparePos(x.Pos, y.Pos), cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.Text, y.Text))
	})
	r := &Report{Findings: b.findings, Matched: b.matched, Unmatched: b.unmatched, Compared: b.compared, Total: len(b.findings) + more(b.told)}
	if more := b.skipped - maxSkipped; more > 0 {
		r.Notes = append(r.Notes, flowtable.Plural(more, "more place")+" cannot be read")
	}
	r.Notes = append(r.Notes, b.notes...)
	if more := more(b.noted); more > 0 {
		r.Notes = append(r.Notes, "and "+flowtable.Plural(more, "more note"))
	}
	for _, kind := range slices.Sorted(maps.Keys(b.told)) {
		if more := b.told[kind] - maxTold; more > 0 {
			r.Notes = append(r.Notes, fmt.Sprintf("and %s of this kind: %s", flowtable.Plural(more, "more finding"), kind))
		}
	}
	for _, n := range b.nodes {
		r.Nodes = append(r.Nodes, fmt.Sprintf("%s: %s, %s, %s, clock %s%s", b.label(n.num), n.times(),
			flowtable.Plural(n.records, "record"), flowtable.Plural(len(n.procs), "process"), n.clock(), n.unchecked()))
	}
	return r
}
