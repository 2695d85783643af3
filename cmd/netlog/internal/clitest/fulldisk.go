package clitest

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	qt "github.com/frankban/quicktest"
)

// WriteRecords writes n records of one node into a temporary file.
func WriteRecords(t *testing.T, n int) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "flows.ndjson")
	line := `{"nodeId":"n1","start":"2026-11-22T10:00:00Z","end":"2026-11-22T10:00:05Z","exitTraffic":[{"txPkts":1}]}` + "\n"
	qt.Assert(t, os.WriteFile(path, []byte(strings.Repeat(line, n)), 0o600), qt.IsNil)
	return path
}

// FullDisk is a Writer without space, like /dev/full on Linux.
type FullDisk struct{}

// Write implements [io.Writer].
func (FullDisk) Write([]byte) (int, error) { return 0, syscall.ENOSPC }
