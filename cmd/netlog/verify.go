package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/go-netlog/netlog/internal/flowtable"
	"github.com/go-netlog/netlog/internal/records"
)

const verifyHelp = `Usage: netlog verify [flags] FILE | DIRECTORY...

Checks the flow logs of two or more nodes against each other: what one node says
it sent, the other must say it received. Prints what does not agree and exits
with 1; with 0 the books agree, with 2 they could not be checked. docs/verify.md
tells what that proves.

Logs that begin in the middle of a node's numbers, as they do where retention has
deleted older ones, are told in a note; with -complete that is a finding.

Flags:
`

// runVerify is the command verify.
func runVerify(args []string, stdout, stderr io.Writer) int {
	b := newBooks()
	var nodesFile string
	fs := newFlags("verify")
	fs.Float64Var(&b.loss, "loss", 5, "`percent` of the packets of a flow that may be lost on the way")
	fs.DurationVar(&b.slack, "slack", time.Second, "books that end this far apart are taken to end together")
	fs.IntVar(&b.max, "max-flows", 1<<22, "bound the memory to this `number` of flows, each counted once a node, and so many records times 8")
	fs.BoolVar(&b.complete, "complete", false, "all books are here, of all nodes and from their first entry: what is missing is a finding, not a note")
	fs.StringVar(&nodesFile, "nodes", "", "`file` with names of nodes, in lines of: public ID, name")
	if code, done := parseFlags(fs, verifyHelp, args, stdout, stderr); done {
		return code
	}
	in := &records.Input{Paths: fs.Args()}
	err := b.checkFlags(fs, in)
	if err == nil && nodesFile != "" {
		err = b.names.readFile(nodesFile)
	}
	if err == nil {
		err = b.read(in, newProgress(stderr))
	}
	if err != nil {
		return fail(fs, stderr, exitUsage, err)
	}
	b.check()
	if err := b.print(stdout); err != nil {
		return fail(fs, stderr, exitUsage, err)
	}
	if len(b.findings) > 0 {
		return exitFindings
	}
	return exitOK
}

// checkFlags refuses what cannot be checked.
func (b *books) checkFlags(fs *flag.FlagSet, in *records.Input) error {
	switch {
	case !isPercent(b.loss) || b.slack < 0 || b.max < 1:
		return errors.New("-loss is 0 to 100, -slack is not negative, and -max-flows is at least 1")
	case len(in.Paths) == 0:
		return errors.New("no files: name the files of two or more nodes, or their directory; see netlog verify -h")
	case in.HasStdin():
		return errors.New("reads its input twice, so it needs files, not standard input")
	}
	return flagsFirst(fs)
}

// isPercent reports whether x is a share, which NaN is not.
func isPercent(x float64) bool { return x >= 0 && x <= 100 }

// finding is one thing in which the books do not agree.
type finding struct {
	pos  records.Pos
	kind string
	text string
}

// maxTold bounds the findings of a kind, and the notes, that are told one by one.
const maxTold = 1000

// more returns how many are not told, of so many of each kind.
func more(told map[string]int) (n int) {
	for _, all := range told {
		n += max(0, all-maxTold)
	}
	return n
}

func (b *books) found(pos records.Pos, kind, format string, args ...any) {
	if b.told[kind]++; b.told[kind] <= maxTold {
		b.findings = append(b.findings, finding{pos, kind, fmt.Sprintf(format, args...)})
	}
}

// note takes what is no finding, but limits what the check proves.
func (b *books) note(format string, args ...any) {
	if b.noted[format]++; b.noted[format] <= maxTold {
		b.notes = append(b.notes, fmt.Sprintf(format, args...))
	}
}

// print writes the findings in the order of files and lines, then a summary.
func (b *books) print(w io.Writer) error {
	slices.SortStableFunc(b.findings, func(x, y finding) int {
		return cmp.Or(cmp.Compare(x.pos.File, y.pos.File), cmp.Compare(x.pos.Line, y.pos.Line), cmp.Compare(x.kind, y.kind), cmp.Compare(x.text, y.text))
	})
	for _, f := range b.findings {
		where := ""
		if f.pos != (records.Pos{}) {
			where = flowtable.Clean(f.pos.String()) + ": "
		}
		fmt.Fprintf(w, "%s%s: %s\n", where, f.kind, f.text)
	}
	if more := b.skipped - maxSkipped; more > 0 {
		fmt.Fprintf(w, "note: %s cannot be read\n", flowtable.Plural(more, "more place"))
	}
	for _, n := range b.notes {
		fmt.Fprintf(w, "note: %s\n", n)
	}
	if more := more(b.noted); more > 0 {
		fmt.Fprintf(w, "note: and %s\n", flowtable.Plural(more, "more note"))
	}
	for _, kind := range slices.Sorted(maps.Keys(b.told)) {
		if more := b.told[kind] - maxTold; more > 0 {
			fmt.Fprintf(w, "note: and %s of this kind: %s\n", flowtable.Plural(more, "more finding"), kind)
		}
	}
	for _, n := range b.nodes {
		fmt.Fprintf(w, "node %s: %s, %s, %s, clock %s%s\n", b.label(n.num), n.times(),
			flowtable.Plural(n.records, "record"), flowtable.Plural(len(n.procs), "process"), n.clock(), n.unchecked())
	}
	_, err := fmt.Fprintf(w, "%s matched, %d unmatched, %s\n",
		flowtable.Plural(b.matched, "flow"), b.unmatched, flowtable.Plural(len(b.findings)+more(b.told), "finding"))
	return err
}
