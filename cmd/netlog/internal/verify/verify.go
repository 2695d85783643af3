// Package verify is the command netlog verify.
package verify

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/go-netlog/netlog/cmd/netlog/internal/cli"
	"github.com/go-netlog/netlog/cmd/netlog/internal/doubleentry"
	"github.com/go-netlog/netlog/cmd/netlog/internal/names"
	"github.com/go-netlog/netlog/internal/flowtable"
	"github.com/go-netlog/netlog/internal/records"
)

const help = `Usage: netlog verify [flags] FILE | DIRECTORY...

Checks the flow logs of two or more nodes against each other: what one node says
it sent, the other must say it received. Prints what does not agree and exits
with 1; with 0 the books agree, with 2 they could not be checked. docs/verify.md
tells what that proves.

Logs that begin in the middle of a node's numbers, as they do where retention has
deleted older ones, are told in a note; with -complete that is a finding.

Flags:
`

// Run is the command verify.
func Run(_ context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) int {
	var opt doubleentry.Options
	var nodesFile string
	fs := cli.NewFlags("verify")
	fs.Float64Var(&opt.Loss, "loss", 5, "`percent` of the packets of a flow that may be lost on the way")
	fs.DurationVar(&opt.Slack, "slack", time.Second, "books that end this far apart are taken to end together")
	fs.IntVar(&opt.MaxFlows, "max-flows", 1<<22, "bound the memory to this `number` of flows, each counted once a node, and so many records times 8")
	fs.BoolVar(&opt.Complete, "complete", false, "all books are here, of all nodes and from their first entry: what is missing is a finding, not a note")
	fs.StringVar(&nodesFile, "nodes", "", "`file` with names of nodes, in lines of: public ID, name")
	if code, done := cli.ParseFlags(fs, help, args, stdout, stderr); done {
		return code
	}
	in := &records.Input{Paths: fs.Args()}
	var nodes names.Names
	opt.Name = nodes.Node
	err := checkFlags(fs, &opt, in)
	if err == nil && nodesFile != "" {
		err = nodes.ReadFile(nodesFile)
	}
	if err != nil {
		return cli.Fail(fs, stderr, cli.ExitUsage, err)
	}
	r, err := doubleentry.Check(watchedInput(in, cli.NewProgress(stderr)), opt)
	if err == nil {
		err = printReport(stdout, r)
	}
	switch {
	case err != nil:
		return cli.Fail(fs, stderr, cli.ExitUsage, err)
	case len(r.Findings) > 0:
		return cli.ExitFindings
	}
	return cli.ExitOK
}

// checkFlags refuses what cannot be checked.
func checkFlags(fs *flag.FlagSet, opt *doubleentry.Options, in *records.Input) error {
	switch {
	case !isPercent(opt.Loss) || opt.Slack < 0 || opt.MaxFlows < 1:
		return errors.New("-loss is 0 to 100, -slack is not negative, and -max-flows is at least 1")
	case len(in.Paths) == 0:
		return errors.New("no files: name the files of two or more nodes, or their directory; see netlog verify -h")
	case in.HasStdin():
		return errors.New("reads its input twice, so it needs files, not standard input")
	}
	return cli.FlagsFirst(fs)
}

// isPercent reports whether x is a percentage. NaN is not.
func isPercent(x float64) bool { return x >= 0 && x <= 100 }

// watchedInput returns the records of in, and shows the progress of each reading.
func watchedInput(in *records.Input, p *cli.Progress) doubleentry.Source {
	return func() iter.Seq2[*records.Record, error] {
		return func(yield func(*records.Record, error) bool) {
			defer p.End()
			for rec, err := range in.Records() {
				p.Show(in)
				if !yield(rec, err) {
					return
				}
			}
		}
	}
}

// printReport writes a line for each finding, note and node, then a summary.
func printReport(w io.Writer, r *doubleentry.Report) error {
	for _, f := range r.Findings {
		where := ""
		if f.Pos != (records.Pos{}) {
			where = flowtable.Clean(f.Pos.String()) + ": "
		}
		fmt.Fprintf(w, "%s%s: %s\n", where, f.Kind, f.Text)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(w, "note: %s\n", n)
	}
	for _, n := range r.Nodes {
		fmt.Fprintf(w, "node %s\n", n)
	}
	_, err := fmt.Fprintf(w, "%s matched, %d unmatched, %s\n",
		flowtable.Plural(r.Matched, "flow"), r.Unmatched, flowtable.Plural(r.Total, "finding"))
	return err
}
