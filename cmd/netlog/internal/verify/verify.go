// Package verify is the command netlog verify.
package verify

import (
	"context"
	"errors"
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
it sent, the other must say it received. Prints what does not agree. The exit code
is 0 if the logs agree, 1 if not, and 2 if they could not be checked, for example
because no two nodes report the same flow. docs/verify.md says what that proves.

If the first entries of a node are missing, because retention deleted them, a note
says so. With -complete that is a finding.

Flags:
`

// Run runs the command verify.
func Run(_ context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) int {
	var opt doubleentry.Options
	var nodesFile string
	fs := cli.NewFlags("verify")
	fs.Float64Var(&opt.Loss, "loss", 5, "`percent` of the packets of a flow that may be lost")
	fs.DurationVar(&opt.Slack, "slack", time.Second, "nodes that stop this close together count as stopping at once")
	fs.IntVar(&opt.MaxFlows, "max-flows", 1<<22, "limit the memory to this `number` of flows, counted once per node, and 8 times as many records")
	fs.BoolVar(&opt.Complete, "complete", false, "the logs of all nodes are given, from the first entry: a missing one is a finding, not a note")
	fs.StringVar(&nodesFile, "nodes", "", "`file` with a public ID and a name per line")
	if code, done := cli.ParseFlags(fs, help, args, stdout, stderr); done {
		return code
	}
	in := &records.Input{Paths: fs.Args()}
	var nodes names.Names
	opt.Name = nodes.Node
	err := cli.FlagsFirst(fs, args)
	if err == nil {
		err = checkFlags(&opt, in)
	}
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
	if err == nil {
		err = checked(r)
	}
	switch {
	case err != nil:
		return cli.Fail(fs, stderr, cli.ExitUsage, err)
	case len(r.Findings) > 0:
		return cli.ExitFindings
	}
	return cli.ExitOK
}

// checkFlags rejects invalid flags and input that cannot be read twice.
func checkFlags(opt *doubleentry.Options, in *records.Input) error {
	switch {
	case !isPercent(opt.Loss) || opt.Slack < 0 || opt.MaxFlows < 1:
		return errors.New("-loss must be 0 to 100, -slack not negative, and -max-flows at least 1")
	case len(in.Paths) == 0:
		return errors.New("no files: name the files of two or more nodes, or their directory; see netlog verify -h")
	case in.HasStdin():
		return errors.New("the input is read twice, so it must be files, not standard input")
	}
	return nil
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

// checked returns an error if there is no finding because nothing could be compared.
func checked(r *doubleentry.Report) error {
	switch {
	case r.Total > 0 || r.Compared > 0:
		return nil
	case len(r.Nodes) == 1:
		return errors.New("nothing could be checked: all records are of one node")
	case r.Matched == 0:
		return fmt.Errorf("nothing could be checked: no flow is reported by two of the %d nodes", len(r.Nodes))
	}
	return errors.New("nothing could be checked: no two nodes counted the same flow at the same time")
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
