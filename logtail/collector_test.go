package logtail_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"
	"github.com/klauspost/compress/zstd"

	"github.com/go-netlog/netlog/internal/secrettest"
	"github.com/go-netlog/netlog/logtail"
)

// collector is a log server that answers as its script says and keeps what it
// accepted. It is an http.Handler for real connections, and an http.RoundTripper
// for tests in a bubble, where the network would stop the clock.
type collector struct {
	t      testing.TB
	script func(r *request) reply // nil: 200 to everything; called one at a time
	zstd   *zstd.Decoder

	mu       sync.Mutex // guards the fields below
	requests []*request
	entries  []entry // accepted, in order of arrival
}

// request is what the collector was sent.
type request struct {
	n       int // of the requests before it
	at      time.Time
	url     string
	header  http.Header
	raw     []byte // as on the wire
	body    []byte // decompressed
	entries []entry
	ctx     context.Context
}

// reply is what the collector answers. The zero reply is 200.
type reply struct {
	status int
	header http.Header
	body   string
	err    error         // instead of an answer; in a bubble only
	hang   bool          // until the request is given up
	delay  time.Duration // before the answer
}

// entry is what tests read of an entry.
type entry struct {
	raw     json.RawMessage
	Logtail struct {
		ClientTime time.Time `json:"client_time"`
		ProcID     uint32    `json:"proc_id"`
		ProcSeq    uint64    `json:"proc_seq"`
		Error      *struct {
			Detail  string          `json:"detail"`
			BadData json.RawMessage `json:"bad_data"`
		} `json:"error"`
	} `json:"logtail"`
	N              *int    `json:"n"`
	Text           *string `json:"text"`
	DroppedEntries uint64  `json:"droppedEntries"`
	DroppedBytes   uint64  `json:"droppedBytes"`
}

func newCollector(t testing.TB, script func(r *request) reply) *collector {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(8<<20))
	if err != nil {
		t.Fatal(err)
	}
	return &collector{t: t, script: script, zstd: d}
}

// receive records a request and returns the answer.
func (c *collector) receive(r *http.Request) (*request, reply) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, reply{err: err}
	}
	body := raw
	if r.Header.Get("Content-Encoding") == "zstd" {
		if body, err = c.zstd.DecodeAll(raw, nil); err != nil {
			c.t.Errorf("body: %v", err)
		}
		if n := r.Header.Get("Orig-Content-Length"); n != strconv.Itoa(len(body)) {
			c.t.Errorf("Orig-Content-Length: %q of %d", n, len(body))
		}
	}
	checkRequest(c.t, r.Header, raw, body)
	req := &request{
		at: time.Now(), url: r.URL.String(), header: r.Header.Clone(), raw: raw, body: body, ctx: r.Context(),
		entries: parseBody(c.t, body, r.Header.Get("Content-Type")),
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	req.n = len(c.requests)
	c.requests = append(c.requests, req)
	var rep reply
	if c.script != nil {
		rep = c.script(req)
	}
	if rep.status == 0 {
		rep.status = 200
	}
	if rep.err == nil && !rep.hang && rep.status/100 == 2 {
		c.entries = append(c.entries, req.entries...)
	}
	return req, rep
}

// checkRequest checks that the secrets are where they belong: the ID in the first
// line, the token in its header.
func checkRequest(t testing.TB, header http.Header, bodies ...[]byte) {
	t.Helper()
	rest := header.Clone()
	rest.Del("Authorization")
	rest.Del("X-Other")
	secrettest.Check(t, "a request", fmt.Sprint(rest))
	for _, b := range bodies {
		secrettest.Check(t, "a body", string(b))
	}
}

func parseBody(t testing.TB, body []byte, contentType string) (entries []entry) {
	t.Helper()
	var raws []json.RawMessage
	if contentType == "application/x-ndjson" {
		for line := range bytes.Lines(body) {
			raws = append(raws, bytes.TrimSuffix(line, []byte("\n")))
		}
	} else if err := json.Unmarshal(body, &raws); err != nil {
		t.Errorf("body is not a JSON array: %v: %.200q", err, body)
	}
	for _, raw := range raws {
		e := entry{raw: raw}
		if err := json.Unmarshal(raw, &e); err != nil {
			t.Errorf("entry: %v: %.200q", err, raw)
		}
		entries = append(entries, e)
	}
	return entries
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	req, rep := c.receive(r)
	if req == nil {
		return
	}
	if rep.hang {
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	}
	maps.Copy(w.Header(), rep.header)
	w.WriteHeader(rep.status)
	io.WriteString(w, rep.body)
}

func (c *collector) RoundTrip(r *http.Request) (*http.Response, error) {
	defer r.Body.Close()
	_, rep := c.receive(r)
	if rep.hang {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	if rep.delay > 0 {
		select {
		case <-time.After(rep.delay):
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	if rep.err != nil {
		return nil, rep.err
	}
	header := http.Header{}
	maps.Copy(header, rep.header)
	return &http.Response{
		StatusCode: rep.status,
		Header:     header,
		Body:       io.NopCloser(strings.NewReader(rep.body)),
		Request:    r,
	}, nil
}

// seen returns the requests so far.
func (c *collector) seen() []*request {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]*request(nil), c.requests...)
}

// accepted returns the entries accepted so far.
func (c *collector) accepted() []entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]entry(nil), c.entries...)
}

// numbers returns the n members of the accepted entries, in order of arrival.
func (c *collector) numbers() (ns []int) {
	for _, e := range c.accepted() {
		if e.N != nil {
			ns = append(ns, *e.N)
		}
	}
	return ns
}

// gaps returns the pauses between requests.
func (c *collector) gaps() (gaps []time.Duration) {
	seen := c.seen()
	for i := 1; i < len(seen); i++ {
		gaps = append(gaps, seen[i].at.Sub(seen[i-1].at))
	}
	return gaps
}

// dropped returns how many entries the stream tells of as dropped.
func (c *collector) dropped() (n uint64) {
	for _, e := range c.accepted() {
		n += e.DroppedEntries
	}
	return n
}

// status returns the script of a server that always answers so.
func status(code int) func(*request) reply {
	return func(*request) reply { return reply{status: code} }
}

// sequence answers with the statuses in turn, then with 200.
func sequence(codes ...int) func(*request) reply {
	return func(r *request) reply {
		if r.n < len(codes) {
			return reply{status: codes[r.n]}
		}
		return reply{}
	}
}

// startLogger starts a Logger that sends to srv without a network. change may set
// more of its Config.
func startLogger(t testing.TB, srv http.RoundTripper, change func(*logtail.Config)) *logtail.Logger {
	t.Helper()
	cfg := testConfig()
	cfg.HTTPClient = &http.Client{Transport: srv}
	if change != nil {
		change(&cfg)
	}
	return newLogger(t, cfg)
}

func testConfig() logtail.Config {
	return logtail.Config{
		Collection: "test",
		PrivateID:  secrettest.NewID(),
		Header:     http.Header{"Authorization": {"Bearer " + token}},
	}
}

// shutdown ends l and returns what Shutdown says. In a bubble the timeout costs
// nothing.
func shutdown(t testing.TB, l *logtail.Logger, timeout time.Duration) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), timeout)
	defer cancel()
	err := l.Shutdown(ctx)
	var out bytes.Buffer
	printErrors(&out, err)
	secrettest.Check(t, "the error of Shutdown", out.String())
	return err
}

// drain ends l, which must deliver everything.
func drain(t testing.TB, l *logtail.Logger) {
	t.Helper()
	if err := shutdown(t, l, time.Hour); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}

// write queues the entries {"n":from} to {"n":to-1}.
func write(t testing.TB, l *logtail.Logger, from, to int) {
	t.Helper()
	for n := from; n < to; n++ {
		writeSized(t, l, n, 0)
	}
}

// writeSized queues {"n":n} with size bytes more.
func writeSized(t testing.TB, l *logtail.Logger, n, size int) {
	t.Helper()
	p := fmt.Appendf(nil, `{"n":%d,"pad":%q}`, n, strings.Repeat("x", size))
	if k, err := l.Write(p); err != nil || k != len(p) {
		t.Fatalf("Write: %d, %v", k, err)
	}
}

// count returns the numbers from 0 to n-1.
func count(n int) (ns []int) {
	for i := range n {
		ns = append(ns, i)
	}
	return ns
}

// logLines collects what a Logger says.
type logLines struct {
	mu    sync.Mutex
	lines []string
}

func (l *logLines) Logf(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, fmt.Sprintf(format, args...))
}

func (l *logLines) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.lines...)
}

var errRefused = errors.New("dial tcp 127.0.0.1:8641: connect: connection refused")

// checkUndelivered checks the error of a Shutdown that left entries behind.
func checkUndelivered(c *qt.C, err error, entries int, kept bool) {
	c.Helper()
	undelivered, ok := errors.AsType[*logtail.UndeliveredError](err)
	c.Assert(ok, qt.IsTrue, qt.Commentf("%v", err))
	c.Check(undelivered.Entries, qt.Equals, entries)
	c.Check(undelivered.Bytes > 0, qt.IsTrue)
	c.Check(undelivered.Kept, qt.Equals, kept)
}
