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
