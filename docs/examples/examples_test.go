// Package examples_test runs the configurations in this directory with the engines that package
// registries have.
package examples_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	qt "github.com/frankban/quicktest"
)

// engines returns a directory with the given node modules. It skips the test unless NETLOG_ENGINES is
// set.
func engines(t *testing.T, modules ...string) string {
	dir := os.Getenv("NETLOG_ENGINES")
	if dir == "" {
		t.Skip("set NETLOG_ENGINES=1 to install and run the real engines, or to a directory that has their node_modules")
	}
	if len(modules) == 0 {
		return ""
	}
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("node is not installed")
	}
	if dir != "1" {
		return dir
	}
	dir = t.TempDir()
	cmd := exec.CommandContext(t.Context(), "npm", append([]string{"install", "--no-audit", "--no-fund", "--prefix", dir}, modules...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("npm cannot install %v: %v\n%s", modules, err, out)
	}
	return dir
}

// node runs a script with node in dir and returns its output. The script has input as a global
// variable.
func node(t *testing.T, dir, script string, input any) string {
	t.Helper()
	cmd := nodeCommand(t, dir, script, input)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	qt.Assert(t, err, qt.IsNil, qt.Commentf("%s", errs.String()))
	return string(out)
}

// nodeCommand returns the command that runs a script as node does.
func nodeCommand(t *testing.T, dir, script string, input any) *exec.Cmd {
	t.Helper()
	in, err := json.Marshal(input)
	qt.Assert(t, err, qt.IsNil)
	cmd := exec.CommandContext(t.Context(), "node", "-e",
		`const input = JSON.parse(require("fs").readFileSync(0)); (async () => {`+script+`})().catch(e => { console.error(e); process.exit(1) })`)
	cmd.Dir = dir
	cmd.Stdin = bytes.NewReader(in)
	return cmd
}

// buildNetlog builds the command netlog and returns its path.
func buildNetlog(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "netlog")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", bin, "../../cmd/netlog").CombinedOutput()
	qt.Assert(t, err, qt.IsNil, qt.Commentf("%s", out))
	return bin
}

// readText returns the content of a file.
func readText(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	qt.Assert(t, err, qt.IsNil)
	return string(b)
}
