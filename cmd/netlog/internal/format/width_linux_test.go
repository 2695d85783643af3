package format

import (
	"regexp"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/cmd/netlog/internal/cli"
	"github.com/go-netlog/netlog/cmd/netlog/internal/clitest"
)

// TestFmtWidthOfTerminal checks that the table is as wide as the terminal.
func TestFmtWidthOfTerminal(t *testing.T) {
	c := qt.New(t)
	in := strings.ReplaceAll(clitest.FlowEntry(1, 1), "100.64.0.2:4000", "[fd7a:115c:a1e0:ab12:4843:cd96:6256:b0b4]:65000")
	_, want, _ := clitest.Run(t, run, in, "fmt", "-width", "60")
	c.Assert(want, qt.Contains, "~") // it was cut
	master, terminal := clitest.OpenPTY(c, 60, 24)
	drawn := clitest.CopyPTY(master)
	c.Check(run(t.Context(), []string{"fmt"}, strings.NewReader(in), terminal, terminal), qt.Equals, cli.ExitOK)
	drawn.Await(c, regexp.QuoteMeta(strings.ReplaceAll(want, "\n", "\r\n"))+"$")
}
