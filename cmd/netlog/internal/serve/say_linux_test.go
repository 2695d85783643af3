package serve

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/cmd/netlog/internal/cli"
	"github.com/go-netlog/netlog/cmd/netlog/internal/clitest"
)

// drawServe runs serve with a terminal for its output, and stderr or, where that is
// nil, the terminal for what it says.
func drawServe(c *qt.C, stderr io.Writer, args ...string) (drawn *clitest.Output, stop func() int) {
	c.Helper()
	master, terminal := clitest.OpenPTY(c, 400, 24)
	drawn = new(clitest.Output)
	go io.Copy(drawn, master)
	if stderr == nil {
		stderr = terminal
	}
	ctx, cancel := context.WithCancel(c.Context())
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, append([]string{"serve", "-ui", "off", "-min-free", "0", "-addr", "127.0.0.1:0"}, args...), nil, terminal, stderr)
	}()
	drawn.Await(c, `\^C ends`)
	return drawn, func() int { cancel(); return <-code }
}

// TestViewFaultReachesStderrWhileDrawing checks that a fault is printed at once if stderr
// is a file, even if nobody sends.
func TestViewFaultReachesStderrWhileDrawing(t *testing.T) {
	c := qt.New(t)
	dir := t.TempDir()
	nodes := filepath.Join(dir, "nodes")
	c.Assert(os.WriteFile(nodes, nil, 0o600), qt.IsNil)
	var stderr clitest.Output
	drawn, stop := drawServe(c, &stderr, "-dir", dir+"/flows", "-nodes", nodes)
	c.Assert(os.WriteFile(nodes, []byte("no ID\n"), 0o600), qt.IsNil)
	stderr.Await(c, "nodes:1: want the 64 digits.*stays in force\n")
	drawn.Await(c, "nodes:1: want the 64 digits")
	c.Check(stop(), qt.Equals, cli.ExitOK)
	c.Check(strings.Count(stderr.String(), "stays in force"), qt.Equals, 1)
}

// TestViewLinesPrintedAfterTable draws the table on the terminal that stderr is on.
func TestViewLinesPrintedAfterTable(t *testing.T) {
	c := qt.New(t)
	dir := t.TempDir()
	nodes := filepath.Join(dir, "nodes")
	c.Assert(os.WriteFile(nodes, nil, 0o600), qt.IsNil)
	drawn, stop := drawServe(c, nil, "-dir", dir+"/flows", "-nodes", nodes)
	for _, step := range []struct{ content, said string }{{"no ID\n", "want the 64 digits"}, {"# none\n", "read .*nodes again"}} {
		c.Assert(os.WriteFile(nodes, []byte(step.content), 0o600), qt.IsNil)
		drawn.Await(c, step.said)
	}
	c.Check(stop(), qt.Equals, cli.ExitOK)
	drawn.Await(c, "stopped; stored 0 entries")
	_, after, _ := strings.Cut(drawn.String(), leaveScreen)
	c.Check(after, qt.Matches, `(?s)netlog serve: .*want the 64 digits.*; the old content stays in force\r\n`+
		`netlog serve: read .*nodes again\r\nnetlog serve: stopped; .*`)
	before, _, _ := strings.Cut(drawn.String(), leaveScreen)
	_, table, _ := strings.Cut(before, enterScreen)
	c.Check(regexp.MustCompile(`[^K\r]\r*\n`).FindString(table), qt.Equals, "", qt.Commentf("nothing comes between its lines"))
}
