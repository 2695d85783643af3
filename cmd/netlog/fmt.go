package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"

	"github.com/go-netlog/netlog/internal/flowtable"
	"github.com/go-netlog/netlog/internal/records"
)

const fmtHelp = `Usage: netlog fmt [flags] [FILE | DIRECTORY | -]...

Prints flow logs as a table, the largest volume first: packets and bytes a second
that went from source to destination (tx) and back (rx), over the time of all
records shown; the totals have the bytes too. Reads any stream of JSON that holds
records (lines, arrays, envelopes), as it is, as zstd or gzip; with no file,
standard input. A flow that several nodes report counts once.

  netlog fmt flows
  netlog fmt -node web -class virtual -since 1h -top 20 flows
  netlog fmt -json -exclude 100.64.0.7 flows > rewritten.ndjson

Exits with 1 where something cannot be read or done, and prints the rest.

Flags:
`

// fmtConfig is what the flags of fmt say.
type fmtConfig struct {
	filter  filter
	exclude excluder
	names   names
	resolve string
	top     int
	width   int
	max     int
	json    bool
}

// runFmt is the command fmt.
func runFmt(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	var cfg fmtConfig
	var nodesFile string
	fs := flag.NewFlagSet("netlog fmt", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.Usage = func() { fmt.Fprint(fs.Output(), fmtHelp); fs.PrintDefaults() }
	fs.Func("class", "only these `classes`: virtual, subnet, exit, physical, with commas between", cfg.filter.setClasses)
	fs.Func("node", "only what this `node` reports (ID, its first digits, name), or what an address or prefix takes part in", cfg.filter.setNode)
	fs.Func("since", "only windows that end after this `time`: RFC 3339, a date, or how long ago (1h30m, 7d)", cfg.filter.setSince)
	fs.StringVar(&cfg.resolve, "resolve", "", "show `what` for addresses that are known: name, user or id")
	fs.StringVar(&nodesFile, "nodes", "", "`file` with names of nodes, in lines of: public ID, name")
	fs.IntVar(&cfg.top, "top", 0, "only the `N` largest flows; 0: all")
	fs.IntVar(&cfg.width, "width", termWidth(stdout), "`columns` of the table; 0: as many as it needs")
	fs.IntVar(&cfg.max, "max-flows", flowtable.DefaultMaxFlows, "bound the memory to this `number` of flows, about 400 bytes each")
	fs.BoolVar(&cfg.json, "json", false, "print the records instead, one a line, their bytes unchanged but for control characters, which are escaped")
	fs.Func("exclude", "rewrite without this address, prefix or `node`; with -json, may be repeated", cfg.exclude.add)
	switch err := fs.Parse(args); {
	case err == flag.ErrHelp:
		return exitOK
	case err != nil:
		return exitUsage
	}
	if err := cfg.check(nodesFile); err != nil {
		fmt.Fprintf(stderr, "netlog fmt: %v\n", err)
		return exitUsage
	}
	in := &records.Input{Paths: fs.Args(), Stdin: stdin}
	c := fmtRun{fmtConfig: &cfg, in: in, stdout: bufio.NewWriterSize(stdout, 64<<10), stderr: stderr, progress: newProgress(stderr)}
	err := c.run(ctx)
	if flushErr := c.stdout.Flush(); err == nil {
		err = flushErr
	}
	if err != nil {
		fmt.Fprintf(stderr, "netlog fmt: %v\n", err)
		return exitFindings
	}
	if c.warnings > 0 {
		return exitFindings
	}
	return exitOK
}

// check completes the configuration.
func (cfg *fmtConfig) check(nodesFile string) error {
	switch cfg.resolve {
	case "", "name", "user", "id":
	default:
		return fmt.Errorf("-resolve is name, user or id, not %q", cfg.resolve)
	}
	if len(cfg.exclude.words) > 0 && !cfg.json {
		return errors.New("-exclude rewrites records, so it needs -json")
	}
	if nodesFile == "" {
		return nil
	}
	return cfg.names.readFile(nodesFile)
}

// fmtRun is one run of fmt.
type fmtRun struct {
	*fmtConfig
	in       *records.Input
	stdout   *bufio.Writer
	stderr   io.Writer
	progress *progress
	table    flowtable.Table
	seen     map[process]*records.Seqs
	line     []byte // reused
	twice    int
	warnings int
}

// maxProcesses bounds the memory for what came before, whatever number of processes
// nodes say they had. Past it all are forgotten: copies come close to one another.
const maxProcesses = 1 << 18

// maxWarnings bounds what is told one by one.
const maxWarnings = 20

// process is one run of a node's daemon.
type process struct {
	node string
	id   uint32
}

func (c *fmtRun) run(ctx context.Context) error {
	if err := c.learn(ctx); err != nil {
		return err
	}
	c.table.Top, c.table.MaxFlows = c.top, c.max
	c.table.NodeName = c.names.node
	if c.resolve != "" {
		c.table.Name = func(a netip.Addr) string { return c.names.resolve(a, c.resolve) }
	}
	c.seen = make(map[process]*records.Seqs)
	for rec, err := range c.in.Records() {
		if c.progress.show(c.in); ctx.Err() != nil {
			c.progress.end()
			return ctx.Err()
		}
		if err != nil {
			c.warn(err)
			continue
		}
		if c.isNew(rec) {
			if err := c.record(rec); err != nil {
				return err
			}
		}
	}
	c.progress.end()
	if more := c.warnings - maxWarnings; more > 0 {
		fmt.Fprintf(c.stderr, "netlog fmt: %d more places cannot be read\n", more)
	}
	if c.twice > 0 {
		fmt.Fprintf(c.stderr, "netlog fmt: %d records came twice and count once\n", c.twice)
	}
	if c.json {
		return c.exclude.report(c.stderr)
	}
	return c.table.Print(c.stdout, c.width)
}

// learn reads the input once for what an excluded node is called elsewhere.
func (c *fmtRun) learn(ctx context.Context) error {
	if !c.exclude.needsNames() {
		return nil
	}
	if c.in.HasStdin() {
		return errors.New("-exclude of a node must read its input twice: give files, or its addresses")
	}
	for rec, err := range c.in.Records() {
		if c.progress.show(c.in); ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil {
			c.exclude.learn(rec, c.names.node)
		}
	}
	c.exclude.settle()
	return nil
}

// warn tells of input that cannot be read. The rest still counts.
func (c *fmtRun) warn(err error) {
	c.progress.end()
	if c.warnings++; c.warnings <= maxWarnings {
		fmt.Fprintf(c.stderr, "netlog fmt: %s\n", flowtable.Clean(err.Error()))
	}
}

// isNew reports whether rec did not come before: delivery is at least once, so a
// record can. What the receiver has found to be another record of that number is new.
func (c *fmtRun) isNew(rec *records.Record) bool {
	if !rec.HasSeq() || rec.Logtail.Conflict {
		return true
	}
	p := process{rec.Reporter(), rec.Logtail.ProcID}
	s := c.seen[p]
	if s == nil {
		if len(c.seen) >= maxProcesses {
			clear(c.seen)
		}
		s = new(records.Seqs)
		c.seen[p] = s
	}
	if s.Add(rec.Logtail.ProcSeq) {
		return true
	}
	c.twice++
	return false
}

// record adds one record to the table, or writes it.
func (c *fmtRun) record(rec *records.Record) error {
	if !c.filter.keeps(rec, c.names.node) {
		return nil
	}
	if !c.json {
		if c.resolve != "" {
			c.names.learn(rec)
		}
		if c.filter.cut(rec) {
			c.table.Add(rec)
		}
		return nil
	}
	raw := rec.Cut(c.filter.dropsFlow(rec), keepNodes)
	if raw = c.exclude.rewrite(raw); raw == nil {
		return nil
	}
	if bytes.ContainsAny(raw, "\r\n") { // a line must not end inside a record, nor begin anew
		var line bytes.Buffer
		if err := json.Compact(&line, raw); err != nil {
			return err
		}
		raw = line.Bytes()
	}
	c.line = appendJSON(c.line[:0], raw)
	_, err := c.stdout.Write(c.line)
	return err
}
