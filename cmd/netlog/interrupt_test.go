package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/records"
)

// endsAfter is a context that has ended when it was asked so many times.
type endsAfter struct {
	context.Context
	asks int
}

func (c *endsAfter) Err() error {
	if c.asks--; c.asks < 0 {
		return context.Canceled
	}
	return nil
}

// writeRecords writes n records of one node into a file of the test.
func writeRecords(t *testing.T, n int) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "flows.ndjson")
	line := `{"nodeId":"n1","start":"2026-11-22T10:00:00Z","end":"2026-11-22T10:00:05Z","exitTraffic":[{"txPkts":1}]}` + "\n"
	qt.Assert(t, os.WriteFile(path, []byte(strings.Repeat(line, n)), 0o600), qt.IsNil)
	return path
}

// TestAnInterruptEndsEveryReading, the second one too, and prints no table of a part.
func TestAnInterruptEndsEveryReading(t *testing.T) {
	path := writeRecords(t, 3)
	for _, test := range []struct {
		args string
		asks int
	}{
		{"fmt", 0}, {"fmt", 2}, {"fmt -json -exclude web", 0}, {"fmt -json -exclude web", 3}, {"verify", 0}, {"verify", 3},
	} {
		args := append(strings.Fields(test.args), path)
		var out, errs bytes.Buffer
		code := run(&endsAfter{t.Context(), test.asks}, args, nil, &out, &errs)
		qt.Check(t, code, qt.Equals, exitFindings, qt.Commentf("%v", test))
		qt.Check(t, out.String(), qt.Equals, "", qt.Commentf("%v", test))
		qt.Check(t, errs.String(), qt.Equals, "netlog "+args[0]+": context canceled\n", qt.Commentf("%v", test))
	}
}

func TestAnInterruptLeavesNoLineOfProgress(t *testing.T) {
	for _, word := range []string{"100.64.0.1", "web"} { // one reading and two
		var drawn bytes.Buffer
		cfg := &fmtConfig{json: true}
		qt.Assert(t, cfg.exclude.add(word), qt.IsNil)
		c := fmtRun{
			fmtConfig: cfg, in: &records.Input{Paths: []string{writeRecords(t, 3)}},
			stderr: io.Discard, progress: &progress{w: &drawn, calls: 63},
		}
		qt.Check(t, c.run(&endsAfter{t.Context(), 0}), qt.Equals, context.Canceled)
		qt.Check(t, drawn.String(), qt.Matches, `\r.*MB\x1b\[K\r\x1b\[K`)
	}
}

// fullDisk is what /dev/full is on Linux.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

// TestOutputThatCannotBeWrittenIsAnError, which tells itself from a finding.
func TestOutputThatCannotBeWrittenIsAnError(t *testing.T) {
	path := writeRecords(t, 1000) // more than a buffer holds
	for _, args := range []string{"fmt", "fmt -json", "verify"} {
		args := append(strings.Fields(args), path)
		var errs bytes.Buffer
		code := run(t.Context(), args, nil, fullDisk{}, &errs)
		qt.Check(t, code, qt.Equals, exitFindings, qt.Commentf("%s", args))
		qt.Check(t, errs.String(), qt.Equals, "netlog "+args[0]+": "+syscall.ENOSPC.Error()+"\n", qt.Commentf("%s", args))
	}
}
