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
	"strings"

	"github.com/go-netlog/netlog/cmd/netlog/internal/cli"
	"github.com/go-netlog/netlog/cmd/netlog/internal/names"
	"github.com/go-netlog/netlog/internal/flowtable"
	"github.com/go-netlog/netlog/internal/records"
)

const help = `Usage: netlog fmt [flags] [FILE | DIRECTORY | -]...

Prints flow logs as a table, largest volume first: packets and bytes per second from
source to destination (tx) and back (rx), averaged over the time of all records
shown. The totals include the bytes. The input is any stream of JSON that contains
records (lines, arrays, envelopes), plain or compressed with zstd or gzip. Without a
file, it is standard input. A flow that several nodes report counts once.

The source of a flow is the side that began it, or else the side that sent first or
alone, as far as the records show it. The state is that of a TCP connection, if the
records show how it began or ended: unanswered, refused, established, closed or
reset. Flows that the filter of a node dropped are of class denied.

  netlog fmt flows
  netlog fmt -node web -class virtual -since 1h -top 20 flows
  netlog fmt -state refused,unanswered,denied flows
  netlog fmt -peers flows
  netlog fmt -json -exclude 100.64.0.7 flows > rewritten.ndjson
  netlog fmt -json -flat flows > connections.ndjson

With -peers, fmt prints who was connected: the sessions of WireGuard peers, as far as
nodes report them. WireGuard has no connections: a session ends three minutes after the
last handshake. It stays open if the node stops reporting. -node selects by the node
that reports, or by the name, key or address of the peer.

With -json, fmt prints records as they are. If -class or -node removes flows from a
record, it is written anew, without members that fmt does not know. -exclude writes
all records anew, and leaves out entries of text, since they may name the node.

With -json -flat, fmt prints one object per connection and window, for engines that do
not search lists of objects. docs/schema describes it. It leaves out entries of text and events.

To find the other names and addresses of an excluded node, fmt reads the input
twice. That fails with more than 65,536 addresses or nodes in it: give fewer files
at once, with an -exclude for each name and address of the node.

The exit code is 1 if some input cannot be read or all of it is empty, or if nothing
matches -node. The rest is still printed.

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
	flat      bool
	peers     bool
}

// Run runs the command fmt.
func Run(_ context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	var cfg config
	fs := cli.NewFlags("fmt")
	cfg.flags(fs, cli.TermWidth(stdout))
	if code, done := cli.ParseFlags(fs, help, args, stdout, stderr); done {
		return code
	}
	err := cli.FlagsFirst(fs, args)
	if err == nil {
		err = cfg.check(fs)
	}
	if err != nil {
		return cli.Fail(fs, stderr, cli.ExitUsage, err)
	}
	in := &records.Input{Paths: fs.Args(), Stdin: stdin}
	c := formatter{config: &cfg, in: in, stdout: bufio.NewWriterSize(stdout, 64<<10), stderr: stderr, progress: cli.NewProgress(stderr)}
	err = c.run()
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
	fs.Func("class", "only these `classes`, separated by commas: virtual, subnet, exit, physical, denied", cfg.filter.setClasses)
	fs.Func("state", "only flows in these `states`, separated by commas: "+strings.Join(flowtable.States(), ", "), cfg.filter.setStates)
	fs.Func("node", "only the records of this `node` (a name, an ID or its first 4 or more digits), or the flows of this address or prefix", cfg.filter.setNode)
	fs.Func("since", "only windows that end after this `time` by the clock of their node: RFC 3339, a date, or an age such as 1h30m or 7d", cfg.filter.setSince)
	fs.StringVar(&cfg.resolve, "resolve", "", "show this `attribute` of known addresses: name, user or id")
	fs.StringVar(&cfg.nodesFile, "nodes", "", "`file` with a public ID and a name per line")
	fs.IntVar(&cfg.top, "top", 0, "only this `number` of flows, the largest (0: all)")
	fs.IntVar(&cfg.width, "width", width, "`columns` of the table (0: as many as it needs)")
	fs.IntVar(&cfg.max, "max-flows", flowtable.DefaultMaxFlows, "limit the memory to this `number` of flows, about 400 bytes each")
	fs.BoolVar(&cfg.json, "json", false, "print the records, one per line, with control characters escaped")
	fs.BoolVar(&cfg.flat, "flat", false, "with -json, print one object per connection instead of records")
	fs.BoolVar(&cfg.peers, "peers", false, "print the sessions of peers instead of flows")
	fs.Func("exclude", "with -json, leave out this address, prefix or `node`, and all text entries and unknown members; may be repeated", cfg.exclude.add)
}

// check rejects invalid flags and reads the -nodes file.
func (cfg *config) check(fs *flag.FlagSet) error {
	var table, flows string
	fs.Visit(func(f *flag.Flag) {
		switch f.Name {
		case "state", "top", "resolve", "width", "max-flows":
			table = f.Name
		}
		switch f.Name {
		case "state", "top", "resolve", "class", "json", "exclude":
			flows = f.Name
		}
	})
	switch {
	case cfg.top < 0 || cfg.width < 0:
		return errors.New("-top and -width must not be negative")
	case cfg.max < 1:
		return errors.New("-max-flows must be at least 1")
	case !slices.Contains([]string{"", "name", "user", "id"}, cfg.resolve):
		return fmt.Errorf("-resolve must be name, user or id, not %q", cfg.resolve)
	case len(cfg.exclude.words) > 0 && !cfg.json:
		return errors.New("-exclude needs -json")
	case cfg.flat && !cfg.json:
		return errors.New("-flat needs -json")
	case cfg.flat && len(cfg.exclude.words) > 0:
		return errors.New("-exclude writes records, and -flat none: use -flat on the result of -exclude")
	case cfg.peers && flows != "":
		return fmt.Errorf("-%s is for flows, and -peers prints none", flows)
	case cfg.json && table != "":
		return fmt.Errorf("-%s is for the table, and -json prints none", table)
	}
	if cfg.nodesFile == "" {
		return nil
	}
	return cfg.names.ReadFile(cfg.nodesFile)
}
