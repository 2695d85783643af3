package format

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"

	"github.com/go-netlog/netlog/cmd/netlog/internal/cli"
	"github.com/go-netlog/netlog/internal/flowtable"
	"github.com/go-netlog/netlog/internal/osfile"
	"github.com/go-netlog/netlog/internal/records"
)

// formatter is one run of fmt.
type formatter struct {
	*config
	in        *records.Input
	stdout    *bufio.Writer
	stderr    io.Writer
	progress  *cli.Progress
	table     flowtable.Table
	peerTable peerTable
	seen      map[process]*records.Seqs
	runs      int    // in all of seen
	line      []byte // reused
	records   int    // read, also those that are filtered out
	twice     int
	warnings  int
}

// Limits of the sequence numbers that are remembered. Beyond them, those of all processes but
// one are forgotten, which rarely matters: duplicates are close to each other.
const (
	maxProcesses = 1 << 18
	maxRuns      = 1 << 20 // of all processes
)

// maxWarnings limits the unreadable positions that are listed.
const maxWarnings = 20

// process is one run of the daemon of a node.
type process struct {
	node string
	id   uint32
}

// run reads the input and prints the result.
func (c *formatter) run() error {
	defer c.progress.End()
	if err := c.learn(); err != nil {
		return err
	}
	c.setUp()
	c.seen = make(map[process]*records.Seqs)
	for rec, err := range c.in.Records() {
		c.progress.Show(c.in)
		if err != nil {
			c.warn(err)
			continue
		}
		c.records++
		if c.isNew(rec) {
			if err := c.record(rec); err != nil {
				return err
			}
		}
	}
	c.progress.End()
	if more := c.warnings - maxWarnings; more > 0 {
		fmt.Fprintf(c.stderr, "netlog fmt: %s cannot be read\n", flowtable.Plural(more, "more place"))
	}
	if c.twice > 0 {
		fmt.Fprintf(c.stderr, "netlog fmt: %s came twice, counted once\n", flowtable.Plural(c.twice, "record"))
	}
	if c.records == 0 {
		switch read, _ := c.in.Progress(); {
		case c.warnings > 0:
			return nil // an empty table would say nothing more
		case read == 0:
			return errNothing(c.in.Paths)
		}
	}
	if err := c.filter.unmatched(); err != nil {
		return err
	}
	switch {
	case c.json:
		return c.exclude.report(c.stderr)
	case c.peers:
		return c.peerTable.print(c.stdout, c.filter.since, c.width, c.table.Reporter)
	}
	return c.table.Print(c.stdout, c.width)
}

// setUp passes the flags to the tables.
func (c *formatter) setUp() {
	c.table.Top, c.table.MaxFlows, c.peerTable.max = c.top, c.max, c.max
	c.table.NodeName = c.names.Node
	c.table.Keep = c.filter.keepsRow
	if c.resolve != "" {
		c.table.Name = func(a netip.Addr) string { return c.names.Resolve(a, c.resolve) }
	}
}

// learn reads the input once to find the other names and addresses of excluded nodes.
func (c *formatter) learn() error {
	if !c.exclude.needsNames() {
		return nil
	}
	if c.in.HasStdin() {
		return errors.New("-exclude of a node reads the input twice: give files, or the addresses of the node")
	}
	for rec, err := range c.in.Records() {
		c.progress.Show(c.in)
		if err != nil {
			continue // reported at the second reading
		}
		if err := c.exclude.learn(rec, c.names.Node); err != nil {
			return err
		}
	}
	c.exclude.settle()
	return nil
}

// warn reports a part of the input that cannot be read. The rest still counts.
func (c *formatter) warn(err error) {
	c.progress.End()
	if c.warnings++; c.warnings <= maxWarnings {
		fmt.Fprintf(c.stderr, "netlog fmt: %s\n", flowtable.Clean(osfile.Text(err)))
	}
}

// errNothing returns the error for input without a byte.
func errNothing(paths []string) error {
	if len(paths) == 0 || len(paths) == 1 && paths[0] == "-" {
		return errors.New("standard input is empty")
	}
	names := strings.Join(paths, ", ")
	for _, p := range paths {
		if info, err := os.Stat(p); err == nil && info.IsDir() {
			return fmt.Errorf("%s: no files with records, whose names end in .ndjson, .jsonl, .json, .zst or .gz", names)
		}
	}
	return fmt.Errorf("%s: the file is empty", names)
}

// isNew reports whether rec is not a duplicate. Delivery is at least once, so there may be
// duplicates. A record that the receiver marked as a conflict is new.
func (c *formatter) isNew(rec *records.Record) bool {
	if !rec.HasSeq() || rec.Logtail.Conflict {
		return true
	}
	p := process{rec.Reporter(), rec.Logtail.ProcID}
	s := c.seen[p]
	if s == nil {
		s = new(records.Seqs)
		c.seen[p] = s
	}
	before := s.Runs()
	if !s.Add(rec.Logtail.ProcSeq) {
		c.twice++
		return false
	}
	c.runs += s.Runs() - before
	if len(c.seen) > maxProcesses || c.runs > maxRuns {
		clear(c.seen)
		c.seen[p], c.runs = s, s.Runs()
	}
	return true
}

// event adds the event of a peer to the sessions.
func (c *formatter) event(rec *records.Record) error {
	if !c.filter.keepsPeer(rec, c.names.Node) {
		return nil
	}
	return c.peerTable.add(rec)
}

// record adds one record to the table, or prints it with -json or its connections with -flat.
func (c *formatter) record(rec *records.Record) error {
	if c.peers {
		return c.event(rec)
	}
	if !c.filter.keeps(rec, c.names.Node) {
		return nil
	}
	if !c.json {
		if c.resolve != "" {
			c.names.Learn(rec)
		}
		if c.filter.cut(rec) {
			c.table.Add(rec)
		}
		return nil
	}
	if c.flat {
		return c.printFlat(rec)
	}
	raw := rec.Raw
	anew := c.filter.removesFlows(rec)
	if len(c.exclude.words) > 0 {
		if !c.exclude.apply(rec) {
			return nil
		}
		anew = true // unknown members may name the node
	}
	if anew {
		var err error
		if raw, err = json.Marshal(&rec.Entry); err != nil {
			c.warn(&records.Error{Pos: rec.Pos, Err: err})
			return nil
		}
	}
	if bytes.ContainsAny(raw, "\r\n") { // a record is one line
		var line bytes.Buffer
		if err := json.Compact(&line, raw); err != nil {
			c.warn(&records.Error{Pos: rec.Pos, Err: err})
			return nil
		}
		raw = line.Bytes()
	}
	c.line = cli.AppendJSON(c.line[:0], raw)
	_, err := c.stdout.Write(c.line)
	return err
}
