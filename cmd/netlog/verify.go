package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/go-netlog/netlog/internal/flowtable"
	"github.com/go-netlog/netlog/internal/records"
)

const verifyHelp = `Usage: netlog verify [flags] FILE | DIRECTORY...

Checks the flow logs of two or more nodes against each other: what one node says
it sent, the other must say it received. Prints what does not agree and exits
with 1; with 0 the books agree. docs/verify.md tells what that proves.

Flags:
`

// runVerify is the command verify.
func runVerify(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) int {
	b := newBooks()
	var nodesFile string
	fs := flag.NewFlagSet("netlog verify", flag.ContinueOnError)
	fs.Float64Var(&b.loss, "loss", 5, "`percent` of the packets of a flow that may be lost on the way")
	fs.DurationVar(&b.slack, "slack", time.Second, "books that end this far apart are taken to end together")
	fs.IntVar(&b.max, "max-flows", 1<<22, "bound the memory to this `number` of flows, each counted once a node, and so many records times 8")
	fs.BoolVar(&b.complete, "complete", false, "all nodes of the VPN are here: an address without books is a finding")
	fs.StringVar(&nodesFile, "nodes", "", "`file` with names of nodes, in lines of: public ID, name")
	if code, ok := parseFlags(fs, verifyHelp, args, stdout, stderr); !ok {
		return code
	}
	if fs.NArg() == 0 {
		printHelp(fs, verifyHelp, stderr)
		return exitUsage
	}
	if !isPercent(b.loss) || b.slack < 0 || b.max < 1 {
		fmt.Fprintln(stderr, "netlog verify: -loss is 0 to 100, -slack is not negative, and -max-flows is at least 1")
		return exitUsage
	}
	in := &records.Input{Paths: fs.Args()}
	if in.HasStdin() {
		fmt.Fprintln(stderr, "netlog verify: reads its input twice, so it needs files")
		return exitUsage
	}
	if nodesFile != "" {
		if err := b.names.readFile(nodesFile); err != nil {
			fmt.Fprintf(stderr, "netlog verify: %v\n", err)
			return exitUsage
		}
	}
	if err := b.read(ctx, in, newProgress(stderr)); err != nil {
		fmt.Fprintf(stderr, "netlog verify: %v\n", err)
		return exitFindings
	}
	b.check()
	if err := b.print(stdout); err != nil {
		fmt.Fprintf(stderr, "netlog verify: %v\n", err)
		return exitFindings
	}
	if len(b.findings) > 0 {
		return exitFindings
	}
	return exitOK
}

// finding is one thing in which the books do not agree.
type finding struct {
	pos  records.Pos
	kind string
	text string
}

func (b *books) found(pos records.Pos, kind, format string, args ...any) {
	b.findings = append(b.findings, finding{pos, kind, fmt.Sprintf(format, args...)})
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
		fmt.Fprintf(w, "note: %d more places cannot be read\n", more)
	}
	for _, n := range b.notes {
		fmt.Fprintf(w, "note: %s\n", n)
	}
	for _, n := range b.nodes {
		fmt.Fprintf(w, "node %s: %s, %d records, %d processes, clock %s%s\n",
			b.label(n.num), n.times(), n.records, len(n.procs), n.clock(), n.unchecked())
	}
	_, err := fmt.Fprintf(w, "%d flows matched, %d seen by one node only, %d findings\n", b.matched, b.unmatched, len(b.findings))
	return err
}
