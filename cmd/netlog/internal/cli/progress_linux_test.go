package cli

import (
	"io"
	"os"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/cmd/netlog/internal/clitest"
)

// TestProgressOnTerminalOnly checks that progress is not drawn into a file.
func TestProgressOnTerminalOnly(t *testing.T) {
	c := qt.New(t)
	_, terminal := clitest.OpenPTY(c, 60, 24)
	file, err := os.Create(t.TempDir() + "/errors")
	c.Assert(err, qt.IsNil)
	defer file.Close()
	c.Check(NewProgress(file).w, qt.IsNil)
	c.Check(NewProgress(terminal).w, qt.Equals, io.Writer(terminal))
}

// TestTermDumb checks that nothing is drawn on a terminal that only prints lines.
func TestTermDumb(t *testing.T) {
	c := qt.New(t)
	_, terminal := clitest.OpenPTY(c, 60, 24)
	for _, test := range []struct {
		term        string
		rows, width int
	}{{"xterm", 24, 60}, {"", 24, 60}, {"dumb", 0, 60}} {
		t.Setenv("TERM", test.term)
		_, rows := TermSize(terminal)
		c.Check(rows, qt.Equals, test.rows)
		c.Check(TermWidth(terminal), qt.Equals, test.width)
		c.Check(NewProgress(terminal).w != nil, qt.Equals, test.rows > 0)
	}
}
