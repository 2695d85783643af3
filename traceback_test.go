package netlog_test

import (
	"os"
	"os/exec"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/internal/secrettest"
)

// A traceback prints the arguments of the functions in it, word by word, but for
// those of calls that are inlined.
func TestTracebackHidesID(t *testing.T) {
	const child = "NETLOG_TEST_CHILD"
	if os.Getenv(child) != "" {
		dev := &fakeDevice{extract: func() { panic("no extraction") }}
		l := netlog.Logger{Upload: new(server).config()}
		l.Startup(secrettest.NewID(), secrettest.NewID(), dev, nil)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), child+"=1")
	out, err := cmd.CombinedOutput()
	qt.Assert(t, err, qt.IsNotNil)
	qt.Assert(t, string(out), qt.Contains, "no extraction")
	qt.Check(t, string(out), qt.Contains, "netlog.(*Logger).Startup(")
	secrettest.Check(t, "a traceback", string(out))
}
