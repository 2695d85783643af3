package logtail_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/go-netlog/netlog/internal/secrettest"
	"github.com/go-netlog/netlog/logtail"
)

// All private IDs of these tests are made by secrettest, and all Loggers send its
// token. The helpers of this package search all that a Logger says, returns or
// shows, all that a request holds outside its first line, and all files; TestMain
// searches all that is printed.
const token = secrettest.Token

// newLogger starts a Logger and watches what it says and shows.
func newLogger(t testing.TB, cfg logtail.Config) *logtail.Logger {
	t.Helper()
	logf := cfg.Logf
	cfg.Logf = func(format string, args ...any) {
		secrettest.Check(t, "a line of the log", fmt.Sprintf(format, args...))
		if logf != nil {
			logf(format, args...)
		}
	}
	l, err := logtail.NewLogger(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		var out bytes.Buffer
		stats := l.Stats()
		printAll(&out, l, cfg, stats)
		printErrors(&out, stats.LastError)
		secrettest.Check(t, "a Logger", out.String())
	})
	return l
}

// printErrors prints err and all that it wraps.
func printErrors(out *bytes.Buffer, err error) {
	if err == nil {
		return
	}
	for err := range unwrapAll(err) {
		printAll(out, err)
	}
}
