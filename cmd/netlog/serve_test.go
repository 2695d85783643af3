package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/logtail/receiver"
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
	c.Cleanup(func() { s.stop() })
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
	id := logtail.NewPrivateID()
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
	c.Check(shown, qt.Matches, `(?s).*Z web .*  virtual: 1 flows, tx 4000 B, rx 40 B\n.*`)
	checkPrintable(c, shown)
	c.Check(s.stderr.String(), qt.Contains, "kept for 30 days, up to 10 GiB")
	c.Check(s.stderr.String(), qt.Contains, "stored 2 entries of 1 nodes")
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
	id := logtail.NewPrivateID()
	c.Check(send(c, s.url, id, "[{\"a\":\"\u009b\"},{\"b\":1}]", ""), qt.Equals, 200)
	s.stop()
	checkPrintable(c, s.stdout.String())
	c.Check(s.stdout.String(), qt.Matches, `\{"logtail":\{"id":"`+id.Public().String()+`",.*\},"a":"\\u009b"\}\n\{.*"b":1\}\n`)
}

func TestServeWantsTokens(t *testing.T) {
	c := qt.New(t)
	dir := t.TempDir()
	a, b := logtail.NewPrivateID(), logtail.NewPrivateID()
	hash := func(token string) string { s := sha256.Sum256([]byte(token)); return hex.EncodeToString(s[:]) }
	tokens := filepath.Join(dir, "tokens")
	write := func(lines ...string) {
		c.Assert(os.WriteFile(tokens, []byte(strings.Join(lines, "\n")), 0o600), qt.IsNil)
	}
	write("# who may send", "", hash("all")+" netlog *", hash("one")+" netlog "+a.Public().String(), hash("other")+" audit *")
	s := startServe(c, "-dir", dir+"/flows", "-tokens", tokens)
	for _, test := range []struct {
		name  string
		id    logtail.PrivateID
		token string
		want  int
	}{
		{"no token", a, "", 401},
		{"a wrong token", a, "x", 401},
		{"the hash for the token", a, hash("all"), 401},
		{"a token for every node", a, "all", 200},
		{"a token for this node", a, "one", 200},
		{"a token for another node's ID", b, "one", 403},
		{"a token for another collection", a, "other", 403},
	} {
		c.Check(send(c, s.url, test.id, `{}`, test.token), qt.Equals, test.want, qt.Commentf("%s", test.name))
	}
	write(hash("new") + " netlog *")
	for range 100 {
		if send(c, s.url, a, `{}`, "new") == 200 {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	c.Check(send(c, s.url, a, `{}`, "all"), qt.Equals, 401, qt.Commentf("the file was read again"))
}

func TestGrantsFile(t *testing.T) {
	h := strings.Repeat("ab", 32)
	for _, test := range []struct {
		line string
		ok   bool
	}{
		{h + " netlog *", true}, {"\t" + h + "  a.b  " + h + " ", true}, {"# comment", true}, {"", true},
		{h + " netlog", false}, {h[1:] + " netlog *", false}, {"x" + h[1:] + " netlog *", false},
		{h + " .. *", false}, {h + " netlog " + h[2:], false}, {h + " netlog * *", false}, {h + " * *", false},
	} {
		c := qt.New(t)
		path := filepath.Join(t.TempDir(), "tokens")
		c.Assert(os.WriteFile(path, []byte(test.line), 0o600), qt.IsNil)
		_, err := readGrants(path)
		c.Check(err == nil, qt.Equals, test.ok, qt.Commentf("%q: %v", test.line, err))
	}
}

func TestAWatchedFileKeepsItsLastGoodValue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		path := filepath.Join(t.TempDir(), "f")
		write := func(s string) { c.Assert(os.WriteFile(path, []byte(s), 0o600), qt.IsNil) }
		read := func(path string) (string, error) {
			b, err := os.ReadFile(path)
			if string(b) == "bad" {
				err = fmt.Errorf("bad")
			}
			return string(b), err
		}
		said := 0
		write("1")
		w, err := watch(path, read, func(string, ...any) { said++ })
		c.Assert(err, qt.IsNil)
		for _, step := range []struct {
			do   func()
			want string
			said int
		}{
			{func() {}, "1", 0},
			{func() { write("22") }, "22", 1},
			{func() { write("bad") }, "22", 2},
			{func() {}, "22", 2},
			{func() { os.Remove(path) }, "22", 3},
			{func() { write("333") }, "333", 4},
		} {
			step.do()
			time.Sleep(2 * checkEvery)
			c.Check(w.get(), qt.Equals, step.want)
			c.Check(said, qt.Equals, step.said)
		}
	})
}

func TestServeRefusesToOpenItself(t *testing.T) {
	for _, test := range []struct {
		args string
		want string // empty: it is not for that that it ends
	}{
		{"-addr :8641", "open to the network"},
		{"-addr 0.0.0.0:8641", "open to the network"},
		{"-addr [::]:8641", "open to the network"},
		{"-addr 192.0.2.1:8641", "open to the network"},
		{"-addr example.com:8641", "open to the network"},
		{"-addr 0.0.0.0:8641 -tls-cert c -tls-key k", "open to the network"},
		{"-addr 0.0.0.0:8641 -tokens t", "open to the network"},
		{"-addr 127.0.0.1:0 -tls-cert c", "go together"},
		{"-addr 127.0.0.1:0 -known-only", "needs -nodes"},
		{"-addr 127.0.0.1:0 -metrics :9000", "not an address of this machine"},
		{"-addr 127.0.0.1:0 -max-size 10ZB", "number of bytes"},
		{"-addr 127.0.0.1:0 flows", "takes flags only"},
	} {
		c := qt.New(t)
		var stderr output
		code := run(t.Context(), append([]string{"serve"}, strings.Fields(test.args)...), nil, io.Discard, &stderr)
		c.Check(code, qt.Equals, exitUsage, qt.Commentf("%s", test.args))
		c.Check(stderr.String(), qt.Contains, test.want)
	}
	for _, args := range []string{"-open -addr 0.0.0.0:1", "-addr 0.0.0.0:1 -tls-cert c -tls-key k -tokens t", "-addr localhost:1", "-addr [::1]:1", "-addr 127.9.9.9:1"} {
		c := qt.New(t)
		var cfg serveConfig
		fs := flag.NewFlagSet("", flag.ContinueOnError)
		cfg.flags(fs)
		c.Assert(fs.Parse(strings.Fields(args)), qt.IsNil)
		c.Check(cfg.check(), qt.IsNil, qt.Commentf("%s", args))
	}
}

func TestServeTellsOfATakenPort(t *testing.T) {
	c := qt.New(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	c.Assert(err, qt.IsNil)
	defer l.Close()
	var stderr output
	code := run(t.Context(), []string{"serve", "-addr", l.Addr().String(), "-dir", t.TempDir()}, nil, io.Discard, &stderr)
	c.Check(code, qt.Equals, exitFindings)
	c.Check(stderr.String(), qt.Contains, "another user's")
}

func TestServeTellsOfATakenDirectory(t *testing.T) {
	c := qt.New(t)
	dir := t.TempDir()
	startServe(c, "-dir", dir)
	var stderr output
	code := run(t.Context(), []string{"serve", "-addr", "127.0.0.1:0", "-dir", dir}, nil, io.Discard, &stderr)
	c.Check(code, qt.Equals, exitFindings)
	c.Check(stderr.String(), qt.Contains, "is used by another netlog serve")
}

func TestServeKnownNodesOnly(t *testing.T) {
	c := qt.New(t)
	dir := t.TempDir()
	known := logtail.NewPrivateID()
	c.Assert(os.WriteFile(dir+"/nodes", []byte(known.Public().String()+" a\n"), 0o600), qt.IsNil)
	s := startServe(c, "-dir", dir+"/flows", "-nodes", dir+"/nodes", "-known-only")
	c.Check(send(c, s.url, known, `{}`, ""), qt.Equals, 200)
	c.Check(send(c, s.url, logtail.NewPrivateID(), `{}`, ""), qt.Equals, 403)
}

// testServer serves h and returns its URL.
func testServer(c *qt.C, h http.Handler) string {
	srv := httptest.NewServer(h)
	c.Cleanup(srv.Close)
	return srv.URL
}

func TestServeMetrics(t *testing.T) {
	c := qt.New(t)
	files, err := receiver.OpenFiles(t.TempDir(), receiver.FileOptions{MinFree: -1})
	c.Assert(err, qt.IsNil)
	defer files.Close()
	s := &server{files: files, handler: &receiver.Handler{Sink: files}}
	srv := testServer(c, s.handler)
	c.Check(send(c, srv, logtail.NewPrivateID(), `{"a":1}{"b":2}`, ""), qt.Equals, 200)
	c.Check(send(c, srv, logtail.NewPrivateID(), `{`, ""), qt.Equals, 400)
	resp, err := http.Get(testServer(c, http.HandlerFunc(s.serveMetrics)) + "/metrics")
	c.Assert(err, qt.IsNil)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	c.Assert(err, qt.IsNil)
	for _, want := range []string{
		"# TYPE netlog_stored_entries_total counter\nnetlog_stored_entries_total 2\n",
		"netlog_refused_requests_total{why=\"malformed\"} 1\n",
		"netlog_nodes 1\n",
	} {
		c.Check(string(data), qt.Contains, want)
	}
}

func TestSizesAndAges(t *testing.T) {
	c := qt.New(t)
	for s, want := range map[string]int64{"0": 0, "1": 1, "5B": 5, "1kB": 1000, "2MB": 2e6, "3GiB": 3 << 30, "1TiB": 1 << 40} {
		got, err := parseSize(s)
		c.Check(err, qt.IsNil)
		c.Check(got, qt.Equals, want, qt.Commentf("%s", s))
	}
	for _, s := range []string{"", "x", "-1", "1.5GB", "9999999TiB", "1ZB", "GB"} {
		_, err := parseSize(s)
		c.Check(err, qt.Not(qt.IsNil), qt.Commentf("%s", s))
	}
	for s, want := range map[string]time.Duration{"30d": 720 * time.Hour, "12h": 12 * time.Hour, "0": -1, "0d": -1} {
		got, err := parseAge(s)
		c.Check(err, qt.IsNil)
		c.Check(got, qt.Equals, want, qt.Commentf("%s", s))
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
		c.Check(send(c, url, logtail.NewPrivateID(), `{}`, ""), qt.Equals, 200)
	}
	cancel()
	c.Check(<-code, qt.Equals, exitOK)
	c.Check(stderr.String(), qt.Contains, "stored 3 entries")
}

func TestServeWithTLS(t *testing.T) {
	c := qt.New(t)
	dir := t.TempDir()
	donor := httptest.NewTLSServer(nil) // of a certificate, and a client that trusts it
	defer donor.Close()
	cert := donor.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	c.Assert(err, qt.IsNil)
	for name, block := range map[string]*pem.Block{
		"cert": {Type: "CERTIFICATE", Bytes: cert.Certificate[0]},
		"key":  {Type: "PRIVATE KEY", Bytes: key},
	} {
		c.Assert(os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600), qt.IsNil)
	}
	s := startServe(c, "-dir", dir+"/flows", "-tls-cert", dir+"/cert", "-tls-key", dir+"/key")
	c.Check(s.url, qt.Matches, "https://.*")
	secret, err := logtail.NewPrivateID().MarshalText()
	c.Assert(err, qt.IsNil)
	resp, err := donor.Client().Post(fmt.Sprintf("%s/c/netlog/%s", s.url, secret), "", strings.NewReader(`{}`))
	c.Assert(err, qt.IsNil)
	resp.Body.Close()
	c.Check(resp.StatusCode, qt.Equals, 200)
	_, err = http.Get(s.url + "/healthz")
	c.Check(err, qt.ErrorMatches, ".*certificate.*", qt.Commentf("a client that does not trust it"))
	c.Check(s.stop(), qt.Equals, exitOK)
	c.Check(s.stderr.String(), qt.Not(qt.Contains), "handshake")
}
