package otel_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"
	collogspb "go.opentelemetry.io/proto/slim/otlp/collector/logs/v1"
	commonpb "go.opentelemetry.io/proto/slim/otlp/common/v1"
	logspb "go.opentelemetry.io/proto/slim/otlp/logs/v1"
	"google.golang.org/protobuf/proto"

	"github.com/go-netlog/netlog/internal/pipetest"
	"github.com/go-netlog/netlog/internal/secrettest"
	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/otel"
)

// TestMain watches what the tests print for private IDs and tokens.
func TestMain(m *testing.M) { os.Exit(secrettest.Watch(m.Run)) }

// request is a request that a collector has received.
type request struct {
	at      time.Time
	header  http.Header
	wire    int // bytes of the body
	size    int // bytes of the body without compression
	records []*logspb.LogRecord
	export  *collogspb.ExportLogsServiceRequest
}

// collector is an http.Handler that speaks OTLP. answer writes the answer to the nth request, from 0. Nil
// means 200. Log records count as stored if the answer is 2xx.
type collector struct {
	t      testing.TB
	answer func(n int, r *request, w http.ResponseWriter)

	mu       sync.Mutex
	requests []*request
	stored   []*logspb.LogRecord
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(r.Body)
	qt.Check(c.t, err, qt.IsNil)
	wire := len(raw)
	var line bytes.Buffer
	fmt.Fprintln(&line, r.Method, r.URL)
	qt.Check(c.t, r.Header.Get("Authorization"), qt.Equals, "Bearer "+secrettest.Token)
	for name, values := range r.Header {
		if name != "Authorization" {
			fmt.Fprintln(&line, name, values)
		}
	}
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(bytes.NewReader(raw))
		qt.Check(c.t, err, qt.IsNil)
		raw, err = io.ReadAll(z)
		qt.Check(c.t, err, qt.IsNil)
	}
	secrettest.Check(c.t, "a request to the collector", line.String()+string(raw))
	qt.Check(c.t, r.Method+" "+r.URL.Path, qt.Equals, "POST /v1/logs")
	qt.Check(c.t, r.Header.Get("Content-Type"), qt.Equals, "application/x-protobuf")
	qt.Check(c.t, r.Header.Get("Orig-Content-Length"), qt.Equals, "")

	req := &request{at: time.Now(), header: r.Header, wire: wire, size: len(raw), export: new(collogspb.ExportLogsServiceRequest)}
	qt.Check(c.t, proto.Unmarshal(raw, req.export), qt.IsNil)
	for _, res := range req.export.ResourceLogs {
		for _, scope := range res.ScopeLogs {
			req.records = append(req.records, scope.LogRecords...)
		}
	}
	c.mu.Lock()
	n := len(c.requests)
	c.requests = append(c.requests, req)
	c.mu.Unlock()
	s := &statusWriter{ResponseWriter: w, status: 200}
	if c.answer != nil {
		c.answer(n, req, s)
	}
	if s.status/100 == 2 {
		c.mu.Lock()
		c.stored = append(c.stored, req.records...)
		c.mu.Unlock()
	}
}

// statusWriter remembers the status.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// failWith writes the answer of an OTLP server that fails: a google.rpc.Status.
func failWith(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/x-protobuf")
	w.WriteHeader(status)
	w.Write(append([]byte{0x08, 13, 0x12, byte(len(message))}, message...)) // code, message
}

// bodies returns the bodies of the stored log records, sorted.
func (c *collector) bodies() (all []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.stored {
		all = append(all, r.Body.GetStringValue())
	}
	slices.Sort(all)
	return all
}

// uids returns how often each log.record.uid is stored.
func (c *collector) uids() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	uids := make(map[string]int)
	for _, r := range c.stored {
		uids[fmt.Sprint(attributes(r.Attributes)["log.record.uid"])]++
	}
	return uids
}

// attributes returns attributes as a map of strings and integers. It fails if a name is there twice.
func attributes(list []*commonpb.KeyValue) map[string]any {
	m := make(map[string]any)
	for _, kv := range list {
		if _, found := m[kv.Key]; found {
			panic("two attributes " + kv.Key)
		}
		switch v := kv.Value.Value.(type) {
		case *commonpb.AnyValue_StringValue:
			m[kv.Key] = v.StringValue
		case *commonpb.AnyValue_IntValue:
			m[kv.Key] = v.IntValue
		case *commonpb.AnyValue_BoolValue:
			m[kv.Key] = v.BoolValue
		default:
			panic(fmt.Sprintf("attribute %s has a %T", kv.Key, v))
		}
	}
	return m
}

// uploader is a logtail.Logger with a Transport that sends to a collector over pipes, which keep to virtual
// time. All that it logs is in logged.
type uploader struct {
	*logtail.Logger
	t         testing.TB
	transport *otel.Transport
	dials     int

	mu     sync.Mutex
	logged []string
}

// upload starts an uploader in a bubble. It replaces URL, PrivateID, Header, HTTPClient and Logf of cfg.
func upload(t testing.TB, srv *collector, cfg logtail.Config) *uploader {
	srv.t = t
	listener := pipetest.NewListener()
	server := &http.Server{Handler: srv}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	base := logtail.NewTransport()
	u := &uploader{t: t}
	base.DialContext = func(context.Context, string, string) (net.Conn, error) { u.dials++; return listener.Dial(), nil }
	u.transport = &otel.Transport{Base: base, Logf: u.logf}
	cfg.URL = "http://127.0.0.1:4318/v1/logs"
	cfg.PrivateID, cfg.CopyPrivateID = secrettest.NewID(), secrettest.NewID()
	cfg.Header = http.Header{"Authorization": {"Bearer " + secrettest.Token}}
	cfg.HTTPClient = &http.Client{Transport: u.transport}
	cfg.Logf = u.logf
	var err error
	u.Logger, err = logtail.NewLogger(cfg)
	qt.Assert(t, err, qt.IsNil)
	return u
}

func (u *uploader) logf(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	secrettest.Check(u.t, "a line of the log", line)
	u.mu.Lock()
	defer u.mu.Unlock()
	u.logged = append(u.logged, line)
}

// log returns the lines that were logged.
func (u *uploader) log() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return strings.Join(u.logged, "\n")
}

// write writes an entry with flows to the given ports of 100.64.0.2.
func (u *uploader) write(ports ...int) {
	u.t.Helper()
	var flows []string
	for _, port := range ports {
		flows = append(flows, fmt.Sprintf(`{"proto":17,"src":"100.64.0.1:53","dst":"100.64.0.2:%d","txPkts":1,"txBytes":60}`, port))
	}
	_, err := fmt.Fprintf(u, `{"nodeId":"a","start":"2026-11-22T10:00:00.000000001Z","end":"2026-11-22T10:00:05Z","virtualTraffic":[%s]}`, strings.Join(flows, ","))
	qt.Assert(u.t, err, qt.IsNil)
}

// end shuts the uploader down, which must deliver all entries, and closes the connections.
func (u *uploader) end() {
	u.t.Helper()
	ctx, cancel := context.WithTimeout(u.t.Context(), 24*time.Hour)
	defer cancel()
	qt.Check(u.t, u.Shutdown(ctx), qt.IsNil)
	u.transport.CloseIdleConnections()
}

// flow returns the body of the log record for a flow of write.
func flow(port int) string {
	return fmt.Sprintf("virtual UDP 100.64.0.1:53 -> 100.64.0.2:%d tx 1/60 rx 0/0", port)
}

// bodiesOf returns the sorted bodies of the log records for flows of write.
func bodiesOf(ports ...int) (all []string) {
	for _, port := range ports {
		all = append(all, flow(port))
	}
	slices.Sort(all)
	return all
}

// upTo returns the numbers from 1 to n.
func upTo(n int) (all []int) {
	for i := range n {
		all = append(all, i+1)
	}
	return all
}

// canceled returns a context that has ended.
func canceled(t testing.TB) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
