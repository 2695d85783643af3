package serve

import (
	"context"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/cmd/netlog/internal/cli"
	"github.com/go-netlog/netlog/cmd/netlog/internal/clitest"
	"github.com/go-netlog/netlog/internal/secrettest"
)

// TestServeDumbTerminalGetsLines checks that nothing is drawn on a terminal that only prints
// lines.
func TestServeDumbTerminalGetsLines(t *testing.T) {
	c := qt.New(t)
	master, terminal := clitest.OpenPTY(c, 80, 24)
	t.Setenv("TERM", "dumb")
	shown := clitest.CopyPTY(master)
	var stderr clitest.Output
	ctx, cancel := context.WithCancel(t.Context())
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, []string{"serve", "-ui", "off", "-min-free", "0", "-addr", "127.0.0.1:0", "-dir", t.TempDir()}, nil, terminal, &stderr)
	}()
	url := stderr.Await(c, `http://[0-9.:]+`)[0]
	c.Check(clitest.Send(c, url, secrettest.NewID(), clitest.FlowEntry(1, 1), ""), qt.Equals, 200)
	shown.Await(c, `  virtual: 1 flow, tx 4000 B, rx 40 B\r\n`)
	cancel()
	c.Check(<-code, qt.Equals, cli.ExitOK)
	c.Check(shown.String(), qt.Not(qt.Contains), "\x1b")
}
