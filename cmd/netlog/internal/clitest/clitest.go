// Package clitest has helpers for tests of the netlog commands.
package clitest

import (
	"bytes"
	"context"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"
)

var update = flag.Bool("update", false, "write the golden files")

// Golden compares got with a golden file in testdata. Before, it removes dir from the paths in got.
func Golden(t *testing.T, name, dir string, got []byte) {
	t.Helper()
	got = bytes.ReplaceAll(got, []byte(dir+string(filepath.Separator)), nil)
	path := filepath.Join("testdata", name+".golden")
	if *update {
		qt.Assert(t, os.MkdirAll(filepath.Dir(path), 0o755), qt.IsNil)
		qt.Assert(t, os.WriteFile(path, got, 0o644), qt.IsNil)
	}
	want, err := os.ReadFile(path)
	qt.Assert(t, err, qt.IsNil)
	qt.Check(t, string(got), qt.Equals, string(want))
}

// command is the type of the function Run of a command.
type command = func(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int

// Named returns run with an additional first argument, which is the name of the command.
func Named(run command) command {
	return func(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
		return run(ctx, args[1:], stdin, stdout, stderr)
	}
}

// Run runs a command and returns its exit code and output.
func Run(t *testing.T, run command, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, strings.NewReader(stdin), &out, &errs)
	return code, out.String(), errs.String()
}
