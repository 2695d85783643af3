// Package format is the command netlog fmt.
package format

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"

	"github.com/go-netlog/netlog/cmd/netlog/internal/cli"
	"github.com/go-netlog/netlog/cmd/netlog/internal/names"
	"github.com/go-netlog/netlog/internal/flowtable"
	"github.com/go-netlog/netlog/internal/records"
)

const help = `Usage: netlog fmt [flags] [FILE | DIRECTORY | -]...

Prints flow logs as a table, the largest volume first: packets and bytes a second
that went from source to destination (tx) and back (rx), over the time of all
records shown; the totals have the bytes too. Reads any stream of JSON that holds
records (lines, arrays, envelopes), as it is, as zstd or gzip; with no file,
standard input. A flow that several nodes report counts once.

  netlog fmt flows
  netlog fmt -node web -class virtual -since 1h -top 20 flows
  netlog fmt -json -exclude 100.64.0.7 flows > rewritten.ndjson

With -json, a record is printed as it is. One that -class, -node or -exclude changes
is written anew from the members that this program knows, without others. -exclude
writes all records anew, and leaves out entries of text, which may name anyone.
To learn what else an excluded node is called, fmt reads its input once more before
it writes anything. With more than 65,536 addresses or nodes in it that fails: give
fewer files at once, with an -exclude for each name and address of the node.

Exits with 1 where something cannot be read or done, and prints the rest; also
where nothing matches -node.

Flags:
`

// config holds the flags of fmt.
type config struct {
	filter    filter
	exclude   excluder
	names     names.Names
	nodesFile string
	resolve   string
	top       int
	width     int
	max       int
	json      bool
}

// Run runs the command fmt.
func Run(_ context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	var cfg config
	fs := cli.NewFlags("fmt")
	cfg.flags(fs, cli.TermWidth(stdout))
	if code, done := cli.ParseFlags(fs, help, args, stdout, stderr); done {
		return code
	}
	if err := cfg.check(fs); err != nil {
		return cli.Fail(fs, stderr, cli.ExitUsage, err)
	}
	in := &records.Input{Paths: fs.Args(), Stdin: stdin}
	c := formatter{config: &cfg, in: in, stdout: bufio.NewWriterSize(stdout, 64<<10), stderr: stderr, progress: cli.NewProgress(stderr)}
	err := c.run()
	c.progress.End()
	if flushErr := c.stdout.Flush(); err == nil {
		err = flushErr
	}
	if err != nil {
		return cli.Fail(fs, stderr, cli.ExitFailed, err)
	}
	if c.warnings > 0 {
		return cli.ExitFailed
	}
	return cli.ExitOK
}

// flags defines the flags of cfg.
func (cfg *config) flags(fs *flag.FlagSet, width int) {
	fs.Func("class", "only these `classes`: virtual, subnet, exit, physical, with commas between", cfg.filter.setClasses)
	fs.Func("node", "only what this `node` reports (ID, at least 4 of its first digits, name), or what an address or prefix takes part in", cfg.filter.setNode)
	fs.Func("since", "only windows that end after this `time`: RFC 3339, a date, or how long ago (1h30m, 7d)", cfg.filter.setSince)
	fs.StringVar(&cfg.resolve, "resolve", "", "show `what` for addresses that are known: name, user or id")
	fs.StringVar(&cfg.nodesFile, "nodes", "", "`file` with names of nodes, in lines of: public ID, name")
	fs.IntVar(&cfg.top, "top", 0, "only the `N` largest flows; 0: all")
	fs.IntVar(&cfg.width, "width", width, "`columns` of the table; 0: as many as it needs")
	fs.IntVar(&cfg.max, "max-flows", flowtable.DefaultMaxFlows, "bound the memory to this `number` of flows, about 400 bytes each")
	fs.BoolVar(&cfg.json, "json", false, "print the records instead, one a line, with control characters escaped; those that a flag changes lose unknown members")
	fs.Func("exclude", "with -json, leave out this address, prefix or `node`, all entries of text and unknown members; may be repeated", cfg.exclude.add)
}

// check rejects invalid flags and reads the -nodes file.
func (cfg *config) check(fs *flag.FlagSet) error {
	table := ""
	fs.Visit(func(f *flag.Flag) {
		switch f.Name {
		case "top", "resolve", "width", "max-flows":
			table = f.Name
		}
	})
	switch {
	case cfg.top < 0 || cfg.width < 0:
		return errors.New("-top and -width are not negative")
	case cfg.max < 1:
		return errors.New("-max-flows is at least 1")
	case !slices.Contains([]string{"", "name", "user", "id"}, cfg.resolve):
		return fmt.Errorf("-resolve is name, user or id, not %q", cfg.resolve)
	case len(cfg.exclude.words) > 0 && !cfg.json:
		return errors.New("-exclude rewrites records, so it needs -json")
	case cfg.json && table != "":
		return fmt.Errorf("-%s is for the table, and -json prints none", table)
	}
	if err := cli.FlagsFirst(fs); err != nil || cfg.nodesFile == "" {
		return err
	}
	return cfg.names.ReadFile(cfg.nodesFile)
}
