package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/secrettest"
	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/logtail/receiver"
	"github.com/go-netlog/netlog/logtail/receiver/filestore"
)

// output is what a command prints. It may be read while the command runs.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// await returns the first match of pattern in o, which must come within seconds.
func (o *output) await(c *qt.C, pattern string) []string {
	c.Helper()
	re := regexp.MustCompile(pattern)
	for range 1000 {
		if m := re.FindStringSubmatch(o.String()); m != nil {
			return m
		}
		time.Sleep(5 * time.Millisecond)
	}
	c.Fatalf("no %s in:\n%s", pattern, o.String())
	return nil
}

// A session is one run of serve.
type session struct {
	url            string
	stdout, stderr *output
	stop           func() int // ends it and returns the exit code
}

// startServe runs serve on a free port of this machine.
func startServe(c *qt.C, args ...string) *session {
	c.Helper()
	s := &session{stdout: new(output), stderr: new(output)}
	ctx, cancel := context.WithCancel(context.Background())
	code := make(chan int, 1)
	args = append([]string{"serve", "-addr", "127.0.0.1:0"}, args...)
	go func() { code <- run(ctx, args, nil, s.stdout, s.stderr) }()
	s.stop = sync.OnceValue(func() int { cancel(); return <-code })
	c.Cleanup(func() {
		s.stop()
		secrettest.Check(c, "what is printed", s.stdout.String()+s.stderr.String())
		if i := slices.Index(args, "-dir"); i >= 0 {
			secrettest.CheckFiles(c, args[i+1])
		}
	})
	s.url = s.stderr.await(c, `https?://[0-9.:]+`)[0]
	return s
}

func flowEntry(id, seq int) string {
	return fmt.Sprintf(`{"logtail":{"proc_id":%d,"proc_seq":%d},"start":"2026-11-22T10:00:00Z","end":"2026-11-22T10:00:05Z",`+
		`"virtualTraffic":[{"proto":6,"src":"100.64.0.%d:22","dst":"100.64.0.2:4000","txPkts":10,"txBytes":4000,"rxPkts":1,"rxBytes":40}]}`, id, seq, id)
}

func send(c *qt.C, url string, id logtail.PrivateID, body, token string) int {
	c.Helper()
	text, err := id.MarshalText()
	c.Assert(err, qt.IsNil)
	r, err := http.NewRequest("POST", fmt.Sprintf("%s/c/netlog/%s", url, text), strings.NewReader(body))
	c.Assert(err, qt.IsNil)
	r.Close = true
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(r)
	c.Assert(err, qt.IsNil)
	resp.Body.Close()
	return resp.StatusCode
}

func TestServeStoresShowsAndStops(t *testing.T) {
	c := qt.New(t)
	dir := t.TempDir()
	id := secrettest.NewID()
	nodes := filepath.Join(dir, "nodes")
	c.Assert(os.WriteFile(nodes, []byte(id.Public().String()+" web \x1b[31m\n"), 0o600), qt.IsNil)
	s := startServe(c, "-dir", dir+"/flows", "-nodes", nodes)
	c.Check(send(c, s.url, id, flowEntry(1, 1), ""), qt.Equals, 200)
	c.Check(send(c, s.url, id, `{"text":"\u001b[2Jhello\u0007\u009b"}`, ""), qt.Equals, 200)
	s.stdout.await(c, `hello`)
	resp, err := http.Get(s.url + "/healthz")
	c.Assert(err, qt.IsNil)
	resp.Body.Close()
	c.Check(resp.StatusCode, qt.Equals, 200)
	c.Check(s.stop(), qt.Equals, exitOK)

	shown := s.stdout.String()
	c.Check(shown, qt.Matches, `(?s).*Z web .*  virtual: 1 flow, tx 4000 B, rx 40 B\n.*`)
	checkPrintable(c, shown)
	c.Check(s.stderr.String(), qt.Contains, "kept for 30 days, up to 10 GiB")
	c.Check(s.stderr.String(), qt.Contains, "stored 2 entries of 1 node")
	secret, err := id.MarshalText()
	c.Assert(err, qt.IsNil)
	c.Check(shown+s.stderr.String(), qt.Not(qt.Contains), string(secret[:16]))
	data, err := os.ReadFile(filepath.Join(dir, "flows", "netlog", time.Now().UTC().Format(time.DateOnly)+".ndjson"))
	c.Assert(err, qt.IsNil)
	c.Check(bytes.Count(data, []byte("\n")), qt.Equals, 2)
	c.Check(string(data), qt.Not(qt.Contains), string(secret[:16]))
}

// checkPrintable finds nothing in s that moves a cursor but line breaks.
func checkPrintable(c *qt.C, s string) {
	c.Helper()
	c.Check(regexp.MustCompile(`[^\n\x20-\x7e\x{a0}-\x{10ffff}]`).FindString(s), qt.Equals, "")
}

func TestServeJSONPrintsWhatIsStored(t *testing.T) {
	c := qt.New(t)
	s := startServe(c, "-dir", t.TempDir(), "-json")
	id := secrettest.NewID()
	c.Check(send(c, s.url, id, "[{\"a\":\"\u009b\"},{\"b\":1}]", ""), qt.Equals, 200)
	s.stop()
	checkPrintable(c, s.stdout.String())
	c.Check(s.stdout.String(), qt.Matches, `\{"logtail":\{"id":"`+id.Public().String()+`",.*\},"a":"\\u009b"\}\n\{.*"b":1\}\n`)
}

// testServer serves h and returns its URL.
func testServer(c *qt.C, h http.Handler) string {
	srv := httptest.NewServer(h)
	c.Cleanup(srv.Close)
	return srv.URL
}

func TestServeMetrics(t *testing.T) {
	c := qt.New(t)
	files, err := filestore.Open(t.TempDir(), filestore.Options{MinFree: -1})
	c.Assert(err, qt.IsNil)
	defer files.Close()
	s := &server{files: files, handler: &receiver.Handler{Sink: files}}
	srv := testServer(c, s.handler)
	c.Check(send(c, srv, secrettest.NewID(), `{"a":1}{"b":2}`, ""), qt.Equals, 200)
	c.Check(send(c, srv, secrettest.NewID(), `{`, ""), qt.Equals, 400)
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

// TestServeEndsThoughNobodyReads: a pipe that is not read blocks what is shown, and
// neither storing nor the end.
func TestServeEndsThoughNobodyReads(t *testing.T) {
	c := qt.New(t)
	unread, stdout := io.Pipe()
	defer unread.Close()
	var stderr output
	ctx, cancel := context.WithCancel(t.Context())
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, []string{"serve", "-addr", "127.0.0.1:0", "-dir", t.TempDir(), "-json"}, nil, stdout, &stderr)
	}()
	url := stderr.await(c, `http://[0-9.:]+`)[0]
	for range 3 {
		c.Check(send(c, url, secrettest.NewID(), `{}`, ""), qt.Equals, 200)
	}
	cancel()
	c.Check(<-code, qt.Equals, exitOK)
	c.Check(stderr.String(), qt.Contains, "stored 3 entries")
}

// TestServeStoresThoughTheReaderIsGone, as after netlog serve -json | head.
func TestServeStoresThoughTheReaderIsGone(t *testing.T) {
	c := qt.New(t)
	reader, stdout, err := os.Pipe()
	c.Assert(err, qt.IsNil)
	defer stdout.Close()
	c.Assert(reader.Close(), qt.IsNil)
	var stderr output
	ctx, cancel := context.WithCancel(t.Context())
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, []string{"serve", "-addr", "127.0.0.1:0", "-dir", t.TempDir(), "-json"}, nil, stdout, &stderr)
	}()
	url := stderr.await(c, `http://[0-9.:]+`)[0]
	for range 3 {
		c.Check(send(c, url, secrettest.NewID(), `{}`, ""), qt.Equals, 200)
		stderr.await(c, "nobody reads")
	}
	cancel()
	c.Check(<-code, qt.Equals, exitOK)
	c.Check(stderr.String(), qt.Contains, "stored 3 entries")
	c.Check(strings.Count(stderr.String(), "nobody reads"), qt.Equals, 1)
}

// TestRefusalsAreToldOnceAMinute, without the names of those who were refused.
func TestRefusalsAreToldOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		var stderr output
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
