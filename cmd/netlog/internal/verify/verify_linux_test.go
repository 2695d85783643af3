package verify

import (
	"fmt"
	"os"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/cmd/netlog/internal/cli"
	"github.com/go-netlog/netlog/cmd/netlog/internal/clitest"
	"github.com/go-netlog/netlog/cmd/netlog/internal/meshtest"
)

// TestVerifyPipeRejected passes a pipe by name, as a shell does for <(...). It is empty
// at the second reading.
func TestVerifyPipeRejected(t *testing.T) {
	r, w, err := os.Pipe()
	qt.Assert(t, err, qt.IsNil)
	defer r.Close()
	_, err = w.WriteString(strings.Join(meshtest.Finished(meshtest.TwoNodes()).Node("a").Lines, "\n"))
	qt.Assert(t, err, qt.IsNil)
	qt.Assert(t, w.Close(), qt.IsNil)
	code, _, errs := clitest.Run(t, run, "", "verify", fmt.Sprintf("/proc/self/fd/%d", r.Fd()))
	qt.Check(t, code, qt.Equals, cli.ExitUsage)
	qt.Check(t, errs, qt.Contains, "the input had less at the second reading")
}
