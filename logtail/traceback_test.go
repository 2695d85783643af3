package logtail_test

import (
	"os"
	"os/exec"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/faultbuffer"
	"github.com/go-netlog/netlog/internal/secrettest"
	"github.com/go-netlog/netlog/logtail"
)

// TestCrashInNewLoggerShowsNoID has a Buffer that panics inside NewLogger. A traceback prints the
// arguments of functions word by word, except for inlined calls such as that of NewLogger (without
// -gcflags=-l).
func TestCrashInNewLoggerShowsNoID(t *testing.T) {
	const child = "NETLOG_TEST_CHILD"
	if os.Getenv(child) != "" {
		buf := faultbuffer.New(0)
		buf.Before(faultbuffer.Claim, func() error { panic("no claim") })
		logtail.NewLogger(logtail.Config{PrivateID: secrettest.NewID(), Collection: "c", Buffer: buf})
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), child+"=1")
	out, err := cmd.CombinedOutput()
	qt.Assert(t, err, qt.IsNotNil)
	qt.Assert(t, string(out), qt.Contains, "no claim")
	qt.Check(t, string(out), qt.Contains, "logtail.NewLogger(")
	secrettest.Check(t, "a traceback", string(out))
}
