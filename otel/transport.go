package otel

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	logspb "go.opentelemetry.io/proto/slim/otlp/logs/v1"
	resourcepb "go.opentelemetry.io/proto/slim/otlp/resource/v1"
	"google.golang.org/protobuf/proto"

	"github.com/go-netlog/netlog/internal/faults"
	"github.com/go-netlog/netlog/logtail"
)

// Transport is an [http.RoundTripper] that sends what the uploader of a netlog.Logger, or another
// logtail.Logger, sends to its server to an OpenTelemetry collector instead, as OTLP over HTTP
// (binary protobuf). So the uploader keeps its promises: entries stay in the Buffer, in memory or in a spool,
// until the collector has answered 2xx. Set it as the Transport of the HTTPClient of a logtail.Config, and
// set URL to the whole URL of the collector for logs:
//
//	var transport otel.Transport
//	logger.Upload = logtail.Config{
//		URL:        "http://127.0.0.1:4318/v1/logs",
//		HTTPClient: &http.Client{Transport: &transport},
//	}
//
// The Header of the Config goes to the collector, for an API key. The private IDs do not: a Config with URL
// does not send them, and requests of one without URL fail. Bodies are compressed with gzip unless
// DisableCompression is set.
//
// A flow becomes one log record. If an answer is lost, the log records of a request are sent again, with the
// same values of the attribute log.record.uid. Another entry, such as the report of dropped entries, becomes a
// log record with its text, or else its JSON, as the body.
//
// The zero value is ready to use. The fields must not change after the first request. A Transport is safe for
// concurrent use, and must not be copied.
type Transport struct {
	// Base makes the requests. If it is nil, the Transport uses logtail.NewTransport.
	Base http.RoundTripper

	// Resource describes where the log records come from, such as by host.name. If it is nil, it is the
	// service name netlog. The attributes of a resource of the SDK are suitable.
	Resource []attribute.KeyValue

	// Logf is called once for each distinct reason why the collector rejected log records alone, which does
	// not make the upload fail. It is called again if the reason recurs after a minute without rejections, and
	// for at most 16 reasons before such a minute. It may be nil.
	// Like log.Printf, it must be safe for concurrent use.
	Logf func(format string, args ...any)

	own      *http.Transport // set by once, if Base is nil
	once     sync.Once
	accepted atomic.Int64
	rejected atomic.Int64

	mu        sync.Mutex // guards the fields below
	faults    faults.Faults
	divisions map[[sha256.Size]byte]*division // of entries that are delivered in part, at most maxDivisions
}

// Stats are the counters of a Transport. A log record that is sent twice counts twice.
type Stats struct {
	Accepted int64 // log records that the collector has accepted
	Rejected int64 // log records that the collector has rejected alone, and which are lost
}

// Stats returns the counters. It never waits.
func (t *Transport) Stats() Stats {
	return Stats{Accepted: t.accepted.Load(), Rejected: t.rejected.Load()}
}

// CloseIdleConnections closes the idle connections of the Base. Call it after the Shutdown of the
// Logger, which does not close those of a caller's client.
func (t *Transport) CloseIdleConnections() {
	if c, ok := t.inner().(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// RoundTrip implements [http.RoundTripper] for requests of a logtail.Logger.
//
// The status of the answer is that of the collector, with one exception: 500 becomes 400 if the body says that
// it comes from an OTLP server and not from a proxy. There it means that the log records are at fault, and
// will be next time. The uploader then looks for the entry at fault, and does not wait for it forever.
//
// If the collector refuses a request with one entry (400, 413 or 422), RoundTrip sends its log records in parts,
// down to single ones. So an entry may be larger than what the collector takes in a request. If a part fails for
// another reason, or if there is no time for all of them, the next RoundTrip with this entry goes on with that part.
// Log records that are refused alone, while others of the entry are accepted, are lost.
//
// The body of the answer is in memory. RoundTrip reads at most 4 KiB of it, for at most 5 s.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body == nil {
		return nil, errors.New("otel: the request has no body")
	}
	defer req.Body.Close()
	if hasPrivateID(req) {
		return nil, errors.New("otel: set URL of the logtail.Config, such as http://127.0.0.1:4318/v1/logs")
	}
	records, entries, err := readEntries(req)
	if err != nil {
		return nil, err
	}
	if entries == 1 {
		return t.divide(req, records)
	}
	return t.post(req, records)
}

// lastElement matches the path of an upload whose URL has the private ID. No collector has such a path.
var lastElement = regexp.MustCompile(`/[0-9a-fA-F]{64}/?$`)

func hasPrivateID(req *http.Request) bool {
	return lastElement.MatchString(req.URL.Path) || req.URL.Query().Has("copyId")
}

// post makes one request to the collector. The body of the answer is in memory.
func (t *Transport) post(req *http.Request, records []*logspb.LogRecord) (*http.Response, error) {
	// LogsData has the wire format of an ExportLogsServiceRequest.
	body, err := proto.Marshal(&logspb.LogsData{ResourceLogs: []*logspb.ResourceLogs{{
		Resource:  &resourcepb.Resource{Attributes: keyValues(t.resource())},
		ScopeLogs: []*logspb.ScopeLogs{{Scope: instrumentation, LogRecords: records, SchemaUrl: semconv.SchemaURL}},
		SchemaUrl: semconv.SchemaURL,
	}}})
	if err != nil {
		return nil, fmt.Errorf("otel: cannot encode log records: %w", err)
	}
	ctx, cancel := context.WithCancel(req.Context())
	defer cancel()
	out := req.Clone(ctx)
	out.Header.Set("Content-Type", contentType)
	out.Header.Del("Orig-Content-Length")
	out.Header.Del("Content-Encoding")
	if req.Header.Get("Content-Encoding") != "" {
		out.Header.Set("Content-Encoding", "gzip") // every OTLP server must accept it
		body = compress(body)
	}
	out.ContentLength = int64(len(body))
	out.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	out.Body, _ = out.GetBody()
	resp, err := t.inner().RoundTrip(out)
	if err != nil {
		return nil, err
	}
	raw, err := readBody(ctx, cancel, resp)
	if err != nil && isSuccess(resp) {
		return nil, err // an incomplete response (RFC 9112, section 8) is not an answer
	}
	t.answer(resp, raw, req, int64(len(records)))
	return resp, nil
}

// compress returns body compressed by gzip.
func compress(body []byte) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestSpeed) // the level is valid
	w.Write(body)                                   // a Buffer never fails
	w.Close()
	return b.Bytes()
}

func (t *Transport) resource() []attribute.KeyValue {
	if t.Resource == nil {
		return []attribute.KeyValue{semconv.ServiceName("netlog")}
	}
	return t.Resource
}

// inner returns the transport that makes the requests.
func (t *Transport) inner() http.RoundTripper {
	if t.Base != nil {
		return t.Base
	}
	t.once.Do(func() { t.own = logtail.NewTransport() })
	return t.own
}

// tell logs a text, unless it was logged before and the collector has rejected nothing for less than a minute since.
func (t *Transport) tell(text string) {
	t.mu.Lock()
	tell := t.faults.Fault(time.Now(), 0, text)
	t.mu.Unlock()
	if tell && t.Logf != nil {
		t.Logf("%s", text)
	}
}

// calm notes that the collector has rejected nothing.
func (t *Transport) calm() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.faults.Success(time.Now())
}
