package main

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/records"
)

// writeRecords writes n records of one node into a file of the test.
func writeRecords(t *testing.T, n int) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "flows.ndjson")
	line := `{"nodeId":"n1","start":"2026-11-22T10:00:00Z","end":"2026-11-22T10:00:05Z","exitTraffic":[{"txPkts":1}]}` + "\n"
	qt.Assert(t, os.WriteFile(path, []byte(strings.Repeat(line, n)), 0o600), qt.IsNil)
	return path
}

// fullDisk is what /dev/full is on Linux.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

// TestOutputThatCannotBeWrittenIsAnError, which tells itself from a finding.
func TestOutputThatCannotBeWrittenIsAnError(t *testing.T) {
	path := writeRecords(t, 1000) // more than a buffer holds
	for args, want := range map[string]int{"fmt": exitFailed, "fmt -json": exitFailed, "verify": exitUsage} {
		args := append(strings.Fields(args), path)
		var errs bytes.Buffer
		code := run(t.Context(), args, nil, fullDisk{}, &errs)
		qt.Check(t, code, qt.Equals, want, qt.Commentf("%s", args))
		qt.Check(t, errs.String(), qt.Equals, "netlog "+args[0]+": "+syscall.ENOSPC.Error()+"\n", qt.Commentf("%s", args))
	}
}

func TestAnErrorLeavesNoLineOfProgress(t *testing.T) {
	for _, word := range []string{"100.64.0.1", "web"} { // one reading and two
		var drawn bytes.Buffer
		cfg := &fmtConfig{json: true}
		qt.Assert(t, cfg.exclude.add(word), qt.IsNil)
		c := fmtRun{
			fmtConfig: cfg, in: &records.Input{Paths: []string{writeRecords(t, 100)}},
			stdout: bufio.NewWriterSize(fullDisk{}, 1), stderr: io.Discard, progress: &progress{w: &drawn, calls: 63},
		}
		qt.Check(t, c.run(), qt.ErrorIs, syscall.ENOSPC)
		qt.Check(t, drawn.String(), qt.Matches, `\r.*MB\x1b\[K\r\x1b\[K`)
	}
}
