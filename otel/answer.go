package otel

import (
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

const (
	contentType = "application/x-protobuf"
	maxAnswer   = 4 << 10 // bytes read of an answer, as by the uploader
	maxEcho     = 200     // bytes shown of a text of the collector
	minRun      = 8       // bytes in a row that a shown text may not share with a header value
)

func isSuccess(resp *http.Response) bool { return resp.StatusCode/100 == 2 }

// isRefusal reports whether the log records are at fault, or too many.
func isRefusal(resp *http.Response) bool {
	switch resp.StatusCode {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return true
	}
	return false
}

// answer returns resp, the answer to a request with n log records and this header, as the uploader understands
// it. The body is not read here, since the uploader bounds the time for that.
func (t *Transport) answer(resp *http.Response, header http.Header, n int64) *http.Response {
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	switch {
	case isSuccess(resp):
		t.accepted.Add(n)
		resp.Body = &successBody{inner: resp.Body, done: func(raw []byte) { t.partial(raw, header, n) }}
	case kind == contentType:
		prefix := ""
		if resp.StatusCode == http.StatusInternalServerError {
			prefix = "the collector answers " + resp.Status + ": "
			resp.StatusCode, resp.Status = http.StatusBadRequest, "400 "+http.StatusText(http.StatusBadRequest)
		}
		resp.Body = &statusBody{inner: resp.Body, prefix: prefix}
		resp.ContentLength = -1
	}
	return resp
}

// partial reads the beginning of the body of a 2xx answer: an ExportLogsServiceResponse, whose field 1 says how
// many log records were rejected, and why. OTLP forbids to send them again.
func (t *Transport) partial(raw []byte, header http.Header, n int64) {
	var rejected int64
	var message string
	fields(raw, func(num protowire.Number, _ uint64, text []byte) {
		if num == 1 {
			rejected, message = numberAndText(text)
		}
	})
	rejected = min(max(rejected, 0), n)
	t.accepted.Add(-rejected)
	switch {
	case rejected > 0:
		t.lost(rejected, n, message, header)
	case message != "":
		t.tell("otel: the collector accepted all log records, with a warning: " + echo(message, header))
	}
}

// lost counts and tells that the collector rejected some of n log records.
func (t *Transport) lost(rejected, n int64, message string, header http.Header) {
	t.rejected.Add(rejected)
	t.tell(fmt.Sprintf("otel: the collector rejected %d of %d log records, which are lost: %s", rejected, n, echo(message, header)))
}

// numberAndText returns fields 1 and 2 of b, which are a number and a text in an ExportLogsPartialSuccess and
// in a google.rpc.Status alike. The text may be cut.
func numberAndText(b []byte) (n int64, s string) {
	fields(b, func(num protowire.Number, v uint64, text []byte) {
		switch num {
		case 1:
			n = int64(v)
		case 2:
			s = string(text)
		}
	})
	return n, s
}

// fields calls f with the fields of b, an encoded message whose end may be missing. A field is a number or a
// text. fields stops at what is neither.
func fields(b []byte, f func(num protowire.Number, v uint64, text []byte)) {
	for len(b) > 0 {
		num, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return
		}
		b = b[n:]
		v, n := protowire.ConsumeVarint(b)
		if n < 0 {
			return
		}
		b = b[n:]
		switch kind {
		case protowire.VarintType:
			f(num, v, nil)
		case protowire.BytesType:
			size := int(min(v, uint64(len(b))))
			f(num, 0, b[:size])
			b = b[size:]
		default:
			return
		}
	}
}

// echo returns a text of the collector in quotes and cut, or "[hidden]" if it may repeat the value of a
// header, such as an API key.
func echo(text string, header http.Header) string {
	folded := strings.ToLower(text)
	for name, values := range header {
		if strings.HasPrefix(name, "Content-") { // not secret, and a text may name the type
			continue
		}
		for _, v := range values {
			v = strings.ToLower(v)
			run := min(minRun, len(v))
			for i := 0; run >= minRun/2 && i+run <= len(v); i++ {
				if strings.Contains(folded, v[i:i+run]) {
					return "[hidden]"
				}
			}
		}
	}
	return fmt.Sprintf("%+q", text[:min(len(text), maxEcho)])
}

// successBody passes on the body of a 2xx answer. Close calls done with its beginning, as far as it was read.
type successBody struct {
	inner io.ReadCloser
	raw   []byte
	done  func(raw []byte)
}

func (b *successBody) Read(p []byte) (int, error) {
	n, err := b.inner.Read(p)
	b.raw = append(b.raw, p[:min(n, maxAnswer-len(b.raw))]...)
	return n, err
}

func (b *successBody) Close() error {
	if b.done != nil {
		b.done(b.raw)
		b.done = nil
	}
	return b.inner.Close()
}

// statusBody reads as the text of a body that is a google.rpc.Status.
type statusBody struct {
	inner  io.ReadCloser
	prefix string
	text   io.Reader // nil before the first Read
}

func (b *statusBody) Read(p []byte) (int, error) {
	if b.text == nil {
		raw, err := io.ReadAll(io.LimitReader(b.inner, maxAnswer))
		if err != nil && len(raw) == 0 {
			return 0, err
		}
		_, message := numberAndText(raw)
		b.text = strings.NewReader(b.prefix + message)
	}
	return b.text.Read(p)
}

func (b *statusBody) Close() error { return b.inner.Close() }
