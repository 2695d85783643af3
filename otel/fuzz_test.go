package otel_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	qt "github.com/frankban/quicktest"
	collogspb "go.opentelemetry.io/proto/slim/otlp/collector/logs/v1"
	"google.golang.org/protobuf/proto"

	"github.com/go-netlog/netlog/internal/secrettest"
	"github.com/go-netlog/netlog/otel"
)

// FuzzTransportBody checks that a request with any body is converted or fails, and that each entry of an array
// of objects becomes at least one log record.
func FuzzTransportBody(f *testing.F) {
	entry, err := json.Marshal(window)
	qt.Assert(f, err, qt.IsNil)
	for _, body := range []string{
		"[" + string(entry) + "]", string(entry) + "\n" + string(entry) + "\n", "", "[", "[]", "[{},", "null", `[{"text":"\ud800"}]`,
		`[{"logtail":{"proc_id":1,"proc_seq":2,"client_time":"9999-12-31T00:00:00Z"},"nodeId":"\u0000","start":"0000-01-01T00:00:00Z"}]`,
		`[{"exitTraffic":[{"src":"1.1.1.1:1"},{}]},7,[],"x"]`, "{\"text\":\"\xff\"}",
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		sent := 0
		transport := otel.Transport{Base: roundTripper(func(r *http.Request) (*http.Response, error) {
			raw, err := io.ReadAll(r.Body)
			qt.Assert(t, err, qt.IsNil)
			var export collogspb.ExportLogsServiceRequest
			qt.Assert(t, proto.Unmarshal(raw, &export), qt.IsNil)
			for _, rec := range export.ResourceLogs[0].ScopeLogs[0].LogRecords {
				attributes(rec.Attributes) // no name twice
				sent++
			}
			return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
		})}
		req, err := http.NewRequest("POST", "http://127.0.0.1:4318/v1/logs", bytes.NewReader(body))
		qt.Assert(t, err, qt.IsNil)
		resp, err := transport.RoundTrip(req)
		var entries []json.RawMessage
		valid := json.Unmarshal(body, &entries) == nil && entries != nil
		if err != nil {
			qt.Check(t, valid, qt.IsFalse, qt.Commentf("%v", err))
			return
		}
		resp.Body.Close()
		qt.Check(t, !valid || sent >= len(entries), qt.IsTrue, qt.Commentf("%d log records", sent))
		qt.Check(t, transport.Stats().Accepted, qt.Equals, int64(sent))
	})
}

// FuzzTransportAnswer checks that any answer of a collector is read without an error, in bounded memory, and that
// no log line has special characters or a secret.
func FuzzTransportAnswer(f *testing.F) {
	for _, answer := range []string{
		"", "\x0a\x07\x08\x02\x12\x03old", "\x0a\xff\xff\xff\xff\x0f", "\x08\x0d\x12\x02no", "\x0a\x02\x08\x64",
		"\x0a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "\x0a\x02\x08", strings.Repeat("\x0a\x01x", 2000),
	} {
		for _, status := range []int{200, 204, 400, 413, 500, 503} {
			f.Add(status, []byte(answer))
		}
	}
	f.Fuzz(func(t *testing.T, status int, answer []byte) {
		transport := otel.Transport{
			Base: roundTripper(func(*http.Request) (*http.Response, error) {
				h := http.Header{"Content-Type": {"application/x-protobuf; charset=x"}}
				return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(bytes.NewReader(answer))}, nil
			}),
			Logf: func(format string, args ...any) {
				line := args[0].(string)
				qt.Check(t, strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r > '~' }), qt.IsFalse)
				qt.Check(t, len(line) < 2000, qt.IsTrue)
				secrettest.Check(t, "a line of the log", line)
			},
		}
		req, err := http.NewRequest("POST", "http://127.0.0.1:4318/v1/logs", strings.NewReader(`[{"exitTraffic":[{"txPkts":1},{"txPkts":2}]}]`))
		qt.Assert(t, err, qt.IsNil)
		req.Header.Set("Authorization", "Bearer "+secrettest.Token)
		resp, err := transport.RoundTrip(req)
		qt.Assert(t, err, qt.IsNil)
		text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
		qt.Check(t, err, qt.IsNil)
		qt.Check(t, status/100 == 2 || len(text) <= 5<<10, qt.IsTrue)
		qt.Check(t, resp.Body.Close(), qt.IsNil)
		stats := transport.Stats()
		qt.Check(t, stats.Accepted >= 0 && stats.Rejected >= 0 && stats.Accepted+stats.Rejected <= 2, qt.IsTrue, qt.Commentf("%+v", stats))
		qt.Check(t, utf8.ValidString(resp.Status), qt.IsTrue)
	})
}
