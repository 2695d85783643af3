package logtail_test

import (
	"os"
	"os/exec"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/secrettest"
	"github.com/go-netlog/netlog/logtail"
)

// panicking is a Buffer that panics inside NewLogger.
type panicking struct{ logtail.Buffer }

func (panicking) Claim(logtail.PublicID) error { panic("no claim") }
func (panicking) Release()                     {}

// A traceback prints the arguments of the functions in it, word by word, but for
// calls that are inlined, as that of NewLogger is (without -gcflags=-l).
func TestCrashInNewLoggerShowsNoID(t *testing.T) {
	if os.Getenv(childEnv+"_PANIC") != "" {
		cfg := logtail.Config{PrivateID: secrettest.NewID(), Collection: "c", Buffer: panicking{logtail.NewMemoryBuffer(0)}}
		logtail.NewLogger(cfg)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), childEnv+"_PANIC=1")
	out, err := cmd.CombinedOutput()
	qt.Assert(t, err, qt.IsNotNil)
	qt.Assert(t, string(out), qt.Contains, "no claim")
	qt.Check(t, string(out), qt.Contains, "logtail.NewLogger(")
	secrettest.Check(t, "a traceback", string(out))
}
