package logtail_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/killtest"
	"github.com/go-netlog/netlog/internal/secrettest"
	"github.com/go-netlog/netlog/logtail"
)

// token is the secret in the headers and URLs of these tests. All private IDs are made by secrettest.
// The functions in this file look for both in everything that a Logger logs, returns or shows, and
// TestMain in everything that is printed.
const token = secrettest.Token

var (
	errRefused = errors.New("dial tcp 127.0.0.1:8641: connect: connection refused")
	errNoSpace = errors.New("no space")
	errIO      = errors.New("input/output error")
)

func TestMain(m *testing.M) {
	killtest.Run(func(args []string) error {
		if len(args) > 3 {
			return lossyLogger(args)
		}
		return killedLogger(args)
	})
	flag.Parse()
	if flag.Lookup("test.fuzz").Value.String() == "" { // for a fuzz target, it is the number of processes
		flag.Set("test.parallel", "64") // tests on real connections wait for retries, and need little of the processor
	}
	os.Exit(secrettest.Watch(m.Run))
}

// testLogger is a Logger that fails its test on unexpected errors and if it shows a secret.
type testLogger struct {
	*logtail.Logger
	t     testing.TB
	ended atomic.Bool // Shutdown was called

	mu     sync.Mutex // guards logged
	logged []string
}

// newLogger starts a Logger. It replaces zero fields of cfg: Collection, PrivateID and Header.
func newLogger(t testing.TB, cfg logtail.Config) *testLogger {
	t.Helper()
	l := &testLogger{t: t}
	if cfg.URL == "" {
		cfg.Collection = cmp.Or(cfg.Collection, "test")
	}
	cfg.PrivateID = cmp.Or(cfg.PrivateID, secrettest.NewID())
	if cfg.Header == nil {
		cfg.Header = http.Header{"Authorization": {"Bearer " + token}}
	}
	logf := cfg.Logf
	cfg.Logf = func(format string, args ...any) {
		line := fmt.Sprintf(format, args...)
		secrettest.Check(t, "a line of the log", line)
		l.mu.Lock()
		l.logged = append(l.logged, line)
		l.mu.Unlock()
		if logf != nil {
			logf(format, args...)
		}
	}
	var err error
	l.Logger, err = logtail.NewLogger(cfg)
	qt.Assert(t, err, qt.IsNil)
	t.Cleanup(func() {
		var out bytes.Buffer
		stats := l.Stats()
		printAll(&out, l.Logger, cfg, stats)
		printErrors(&out, stats.LastError)
		secrettest.Check(t, "a Logger", out.String())
	})
	return l
}

// start starts a Logger that sends to srv without a network.
func start(t testing.TB, srv http.RoundTripper, cfg logtail.Config) *testLogger {
	t.Helper()
	cfg.HTTPClient = &http.Client{Transport: srv}
	return newLogger(t, cfg)
}

// startReal starts a Logger that sends to the server at baseURL, and ends it with the test.
func startReal(t testing.TB, baseURL string, cfg logtail.Config) *testLogger {
	t.Helper()
	cfg.BaseURL = baseURL
	l := newLogger(t, cfg)
	t.Cleanup(func() { l.shutdown(0) })
	return l
}

// run calls test in a bubble of virtual time, with a server that answers as script says, and a Logger
// that sends to it. If test does not shut the Logger down, run does, and everything must be delivered.
func run(t *testing.T, script func(*request) reply, cfg logtail.Config, test func(c *qt.C, srv *collector, l *testLogger)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		srv := newCollector(t, script)
		l := start(t, srv, cfg)
		test(qt.New(t), srv, l)
		if !l.ended.Load() {
			l.drain()
		}
	})
}

// Shutdown is that of the Logger.
func (l *testLogger) Shutdown(ctx context.Context) error {
	l.ended.Store(true)
	return l.Logger.Shutdown(ctx)
}

// shutdown shuts l down and returns the error.
func (l *testLogger) shutdown(timeout time.Duration) error {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(l.t.Context()), timeout)
	defer cancel()
	err := l.Shutdown(ctx)
	var out bytes.Buffer
	printErrors(&out, err)
	secrettest.Check(l.t, "the error of Shutdown", out.String())
	return err
}

// drain shuts l down, which must deliver everything.
func (l *testLogger) drain() {
	l.t.Helper()
	qt.Check(l.t, l.shutdown(time.Hour), qt.IsNil)
}

// write queues the entries {"n":from} to {"n":to-1}.
func (l *testLogger) write(from, to int) {
	l.t.Helper()
	l.writeSized(from, to, 0)
}

// writeSized queues the entries {"n":from} to {"n":to-1} with size bytes more.
func (l *testLogger) writeSized(from, to, size int) {
	l.t.Helper()
	pad := strings.Repeat("x", size)
	for n := from; n < to; n++ {
		p := fmt.Appendf(nil, `{"n":%d,"pad":%q}`, n, pad)
		k, err := l.Write(p)
		qt.Assert(l.t, err, qt.IsNil)
		qt.Assert(l.t, k, qt.Equals, len(p))
	}
}

// lose writes an entry that the Buffer refuses with err.
func (l *testLogger) lose(err error) {
	l.t.Helper()
	_, got := l.Write([]byte(`{}`))
	qt.Check(l.t, got, qt.ErrorIs, err)
}

// lines returns what l has logged.
func (l *testLogger) lines() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.logged)
}

// checkUndelivered checks the error of a Shutdown that left entries behind.
func checkUndelivered(c *qt.C, err error, entries int, kept bool) {
	c.Helper()
	undelivered, ok := errors.AsType[*logtail.UndeliveredError](err)
	c.Assert(ok, qt.IsTrue, qt.Commentf("%v", err))
	c.Check(undelivered.Entries, qt.Equals, entries)
	c.Check(undelivered.Bytes > 0, qt.IsTrue)
	c.Check(undelivered.Kept, qt.Equals, kept)
}

// count returns the numbers from 0 to n-1.
func count(n int) (ns []int) {
	for i := range n {
		ns = append(ns, i)
	}
	return ns
}

// distinct returns the numbers in ns in ascending order, each once.
func distinct(ns []int) []int { return slices.Compact(slices.Sorted(slices.Values(ns))) }
