package logtail_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/go-netlog/netlog/internal/secrettest"
)

// collector is a log server that answers as its script says and keeps the entries that it accepted. It
// is an http.Handler for real connections, and an http.RoundTripper for tests in a bubble, where a
// network would stop the clock.
type collector struct {
	t    testing.TB
	zstd *zstd.Decoder

	mu       sync.Mutex             // guards the fields below
	script   func(r *request) reply // called with mu locked; nil answers 200 to everything
	requests []*request
	entries  []entry // accepted, in order of arrival
}

// request is a request to the collector.
type request struct {
	n       int // number of earlier requests
	at      time.Time
	url     string
	header  http.Header
	raw     []byte // the body as it was sent
	body    []byte // the body without compression
	entries []entry
}

// reply is an answer of the collector. The zero reply is 200 with an empty body.
type reply struct {
	status int
	header http.Header
	body   string
	err    error         // returned instead of an answer, by RoundTrip only
	hang   bool          // no answer; the call returns at the end of its context
	delay  time.Duration // pause before the answer, by RoundTrip only
}

// entry has the members of an entry that tests use.
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
	switch coding := r.Header.Get("Content-Encoding"); coding {
	case "zstd":
		body, err = c.zstd.DecodeAll(raw, nil)
	case "gzip":
		body, err = gunzip(raw)
	case "":
	default:
		err = errors.New("unknown coding " + coding)
	}
	if err != nil {
		c.t.Errorf("body: %v", err)
	}
	if r.Header.Get("Content-Encoding") != "" {
		if n := r.Header.Get("Orig-Content-Length"); n != strconv.Itoa(len(body)) {
			c.t.Errorf("Orig-Content-Length: %q of %d", n, len(body))
		}
	}
	checkRequest(c.t, r.Header, raw, body)
	req := &request{
		at: time.Now(), url: r.URL.String(), header: r.Header.Clone(), raw: raw, body: body,
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

// gunzip returns the data in the gzip file raw, of which nothing may be left.
func gunzip(raw []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

// checkRequest checks that a request shows the ID only in its first line, and the token only in the
// headers that tests put it into.
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

// answer replaces the script.
func (c *collector) answer(script func(*request) reply) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.script = script
}

// seen returns the requests so far.
func (c *collector) seen() []*request {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.requests)
}

// accepted returns the entries accepted so far.
func (c *collector) accepted() []entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.entries)
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

// dropped returns how many entries were dropped, as the accepted entries report.
func (c *collector) dropped() (n uint64) {
	for _, e := range c.accepted() {
		n += e.DroppedEntries
	}
	return n
}

// reports returns how many accepted entries are reports of dropped ones.
func (c *collector) reports() (n uint64) {
	for _, e := range c.accepted() {
		if e.DroppedEntries > 0 {
			n++
		}
	}
	return n
}

// status returns the script of a server that always answers with this status.
func status(code int) func(*request) reply {
	return func(*request) reply { return reply{status: code} }
}

// fail returns the script of a server whose requests all fail with err.
func fail(err error) func(*request) reply {
	return func(*request) reply { return reply{err: err} }
}

// sequence returns the script of a server that answers with each of the statuses, and then with 200.
func sequence(codes ...int) func(*request) reply {
	return func(r *request) reply {
		if r.n < len(codes) {
			return reply{status: codes[r.n]}
		}
		return reply{}
	}
}

// refuse returns the script of a server that answers with a status to requests that contain one of the
// entries.
func refuse(code int, entries ...int) func(*request) reply {
	return func(r *request) reply {
		for _, e := range r.entries {
			if e.N != nil && slices.Contains(entries, *e.N) {
				return reply{status: code, body: "bad entry"}
			}
		}
		return reply{}
	}
}

// refuseLarger returns the script of a server that answers 413 to bodies of more than limit bytes.
func refuseLarger(limit int) func(*request) reply {
	return func(r *request) reply {
		if len(r.body) > limit {
			return reply{status: 413}
		}
		return reply{}
	}
}

// roundTripper is a transport made of a function.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// discard is a server that answers 204 to everything and keeps nothing.
var discard = roundTripper(func(r *http.Request) (*http.Response, error) {
	defer r.Body.Close()
	io.Copy(io.Discard, r.Body)
	return &http.Response{StatusCode: 204, Body: http.NoBody, Request: r}, nil
})
