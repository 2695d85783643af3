package serve

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/cmd/netlog/internal/cli"
	"github.com/go-netlog/netlog/cmd/netlog/internal/clitest"
	"github.com/go-netlog/netlog/internal/records"
	"github.com/go-netlog/netlog/internal/secrettest"
	"github.com/go-netlog/netlog/logtail/receiver"
	"github.com/go-netlog/netlog/logtail/receiver/filestore"
)

// A session is one run of serve.
type session struct {
	url            string
	stdout, stderr *clitest.Output
	stop           func() int // ends it and returns the exit code
}

// startServe runs serve on a free port of this machine.
func startServe(c *qt.C, args ...string) *session {
	c.Helper()
	s := &session{stdout: new(clitest.Output), stderr: new(clitest.Output)}
	ctx, cancel := context.WithCancel(context.Background())
	code := make(chan int, 1)
	args = append([]string{"serve", "-ui", "off", "-min-free", "0", "-addr", "127.0.0.1:0"}, args...)
	go func() { code <- run(ctx, args, nil, s.stdout, s.stderr) }()
	s.stop = sync.OnceValue(func() int { cancel(); return <-code })
	c.Cleanup(func() {
		s.stop()
		secrettest.Check(c, "what is printed", s.stdout.String()+s.stderr.String())
		if i := slices.Index(args, "-dir"); i >= 0 {
			secrettest.CheckFiles(c, args[i+1])
		}
	})
	s.url = s.stderr.Await(c, `https?://[0-9.:]+`)[0]
	return s
}

func TestServeStoresAndShows(t *testing.T) {
	c := qt.New(t)
	dir := t.TempDir()
	id := secrettest.NewID()
	nodes := filepath.Join(dir, "nodes")
	c.Assert(os.WriteFile(nodes, []byte(id.Public().String()+" web \x1b[31m\n"), 0o600), qt.IsNil)
	s := startServe(c, "-dir", dir+"/flows", "-nodes", nodes)
	c.Check(clitest.Send(c, s.url, id, clitest.FlowEntry(1, 1), ""), qt.Equals, 200)
	c.Check(clitest.Send(c, s.url, id, `{"text":"\u001b[2Jhello\u0007\u009b"}`, ""), qt.Equals, 200)
	s.stdout.Await(c, `hello`)
	resp, err := http.Get(s.url + "/healthz")
	c.Assert(err, qt.IsNil)
	resp.Body.Close()
	c.Check(resp.StatusCode, qt.Equals, 200)
	c.Check(s.stop(), qt.Equals, cli.ExitOK)

	shown := s.stdout.String()
	c.Check(shown, qt.Matches, `(?s).*Z web .*  virtual: 1 flow, tx 4000 B, rx 40 B\n.*`)
	clitest.CheckPrintable(c, shown)
	c.Check(s.stderr.String(), qt.Contains, "removes the files of a day (UTC) 30 days after its end, and the oldest files beyond 10 GiB\n")
	c.Check(s.stderr.String(), qt.Contains, "stored 2 entries of 1 node")
	secret, err := id.MarshalText()
	c.Assert(err, qt.IsNil)
	c.Check(shown+s.stderr.String(), qt.Not(qt.Contains), string(secret[:16]))
	stored := 0
	in := records.Input{Paths: []string{filepath.Join(dir, "flows")}} // in one file, or two around midnight
	for rec, err := range in.Records() {
		c.Assert(err, qt.IsNil)
		c.Check(string(rec.Raw), qt.Not(qt.Contains), string(secret[:16]))
		stored++
	}
	c.Check(stored, qt.Equals, 2)
}

func TestServeJSON(t *testing.T) {
	c := qt.New(t)
	s := startServe(c, "-dir", t.TempDir(), "-json")
	id := secrettest.NewID()
	c.Check(clitest.Send(c, s.url, id, "[{\"a\":\"\u009b\"},{\"b\":1}]", ""), qt.Equals, 200)
	s.stop()
	clitest.CheckPrintable(c, s.stdout.String())
	c.Check(s.stdout.String(), qt.Matches, `\{"logtail":\{"id":"`+id.Public().String()+`",.*\},"a":"\\u009b"\}\n\{.*"b":1\}\n`)
}

func TestServeQuiet(t *testing.T) {
	c := qt.New(t)
	s := startServe(c, "-dir", t.TempDir(), "-quiet")
	id := secrettest.NewID()
	c.Check(clitest.Send(c, s.url, id, clitest.FlowEntry(1, 1), ""), qt.Equals, 200)
	c.Check(clitest.Send(c, s.url, id, `{`, ""), qt.Equals, 400)
	s.stop()
	c.Check(s.stdout.String(), qt.Equals, "")
	c.Check(s.stderr.String(), qt.Contains, "stored 1 entry of 1 node, refused 1 request")

	code, _, errs := clitest.Run(t, run, "", "serve", "-quiet", "-json")
	c.Check(code, qt.Equals, cli.ExitUsage)
	c.Check(errs, qt.Contains, "-quiet prints no entries, and -json prints them: choose one")
}

// testServer serves h and returns its URL.
func testServer(c *qt.C, h http.Handler) string {
	srv := httptest.NewServer(h)
	c.Cleanup(srv.Close)
	return srv.URL
}

func TestServeMetrics(t *testing.T) {
	c := qt.New(t)
	files, err := filestore.Open(t.TempDir(), filestore.Options{MinFreeBytes: -1})
	c.Assert(err, qt.IsNil)
	defer files.Close()
	s := &server{files: files, handler: &receiver.Handler{Sink: files}}
	srv := testServer(c, s.handler)
	c.Check(clitest.Send(c, srv, secrettest.NewID(), `{"a":1}{"b":2}`, ""), qt.Equals, 200)
	c.Check(clitest.Send(c, srv, secrettest.NewID(), `{`, ""), qt.Equals, 400)
	resp, err := http.Get(testServer(c, http.HandlerFunc(s.serveMetrics)) + "/metrics")
	c.Assert(err, qt.IsNil)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	c.Assert(err, qt.IsNil)
	for _, want := range []string{
		"# TYPE netlog_stored_entries_total counter\nnetlog_stored_entries_total 2\n",
		"netlog_refused_requests_total{why=\"malformed\"} 1\n",
		"# HELP netlog_nodes Nodes remembered of those seen since the start, 65,536 at most.\n", "netlog_nodes 2\n",
	} {
		c.Check(string(data), qt.Contains, want)
	}
}

// TestServeEndsWithBlockedReader checks that a pipe nobody reads blocks neither storing
// nor the end.
func TestServeEndsWithBlockedReader(t *testing.T) {
	c := qt.New(t)
	unread, stdout := io.Pipe()
	defer unread.Close()
	var stderr clitest.Output
	ctx, cancel := context.WithCancel(t.Context())
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, []string{"serve", "-ui", "off", "-min-free", "0", "-addr", "127.0.0.1:0", "-dir", t.TempDir(), "-json"}, nil, stdout, &stderr)
	}()
	url := stderr.Await(c, `http://[0-9.:]+`)[0]
	for range 3 {
		c.Check(clitest.Send(c, url, secrettest.NewID(), `{}`, ""), qt.Equals, 200)
	}
	cancel()
	c.Check(<-code, qt.Equals, cli.ExitOK)
	c.Check(stderr.String(), qt.Contains, "stored 3 entries")
}

// TestServeStoresWithoutReader closes the reader, as netlog serve -json | head does.
func TestServeStoresWithoutReader(t *testing.T) {
	c := qt.New(t)
	reader, stdout, err := os.Pipe()
	c.Assert(err, qt.IsNil)
	defer stdout.Close()
	c.Assert(reader.Close(), qt.IsNil)
	var stderr clitest.Output
	ctx, cancel := context.WithCancel(t.Context())
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, []string{"serve", "-ui", "off", "-min-free", "0", "-addr", "127.0.0.1:0", "-dir", t.TempDir(), "-json"}, nil, stdout, &stderr)
	}()
	url := stderr.Await(c, `http://[0-9.:]+`)[0]
	for range 3 {
		c.Check(clitest.Send(c, url, secrettest.NewID(), `{}`, ""), qt.Equals, 200)
		stderr.Await(c, "nobody reads")
	}
	cancel()
	c.Check(<-code, qt.Equals, cli.ExitOK)
	c.Check(stderr.String(), qt.Contains, "stored 3 entries")
	c.Check(strings.Count(stderr.String(), "nobody reads"), qt.Equals, 1)
}

// TestViewRefusalsOncePerMinute checks that the line does not name who was refused.
func TestViewRefusalsOncePerMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		var stderr clitest.Output
		v := newView(io.Discard, &stderr, false)
		start := time.Now()
		stats := func() receiver.Stats {
			if time.Since(start) == 0 {
				return receiver.Stats{Forbidden: 1}
			}
			return receiver.Stats{Forbidden: 3, OverQuota: 1}
		}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { v.run(ctx, stats, nil) })
		time.Sleep(3 * time.Minute)
		cancel()
		wg.Wait()
		c.Check(stderr.String(), qt.Equals, "netlog serve: 3 requests refused in the last minute: 2 forbidden, 1 over quota\n")
	})
}
