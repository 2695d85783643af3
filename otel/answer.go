package otel

import (
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/go-netlog/netlog/internal/scrub"
)

const (
	contentType   = "application/x-protobuf"
	answerTimeout = 5 * time.Second // for the body of an answer, as in the uploader
	maxAnswer     = 4 << 10         // bytes read of an answer, as by the uploader
	maxEcho       = 200             // bytes shown of a text of the collector
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

// readBody reads the beginning of the body of resp, and closes it. cancel ends ctx, the context of the request: a
// slow body must not delay the next request, since the status is known. An error means that the connection failed.
func readBody(ctx context.Context, cancel func(), resp *http.Response) ([]byte, error) {
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return nil, nil // the body is the connection itself, which ctx does not end
	}
	timer := time.AfterFunc(answerTimeout, cancel)
	defer timer.Stop()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if ctx.Err() != nil {
		err = nil // late
	}
	return raw, err
}

// answer changes resp, the answer to req with n log records, to what the uploader understands. raw is the
// beginning of its body.
func (t *Transport) answer(resp *http.Response, raw []byte, req *http.Request, n int64) {
	text := string(raw)
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	switch {
	case isSuccess(resp):
		t.partial(raw, req, n)
	case kind == contentType:
		_, text = numberAndText(raw)
		if resp.StatusCode == http.StatusInternalServerError {
			text = "the collector answers " + resp.Status + ": " + text
			resp.StatusCode, resp.Status = http.StatusBadRequest, "400 "+http.StatusText(http.StatusBadRequest)
		}
	}
	setBody(resp, text)
}

func setBody(resp *http.Response, text string) {
	resp.Body, resp.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
}

// partial reads the beginning of the body of a 2xx answer: an ExportLogsServiceResponse, whose field 1 says how
// many log records were rejected, and why. OTLP forbids to send them again.
func (t *Transport) partial(raw []byte, req *http.Request, n int64) {
	var rejected int64
	var message string
	fields(raw, func(num protowire.Number, _ uint64, text []byte) {
		if num == 1 {
			rejected, message = numberAndText(text)
		}
	})
	rejected = min(max(rejected, 0), n)
	t.accepted.Add(n - rejected)
	switch {
	case rejected > 0:
		t.lost(rejected, n, message, req)
	case message != "":
		t.tell("otel: the collector accepted all log records, with a warning: " + echo(message, req))
	default:
		t.calm()
	}
}

// lost counts and tells that the collector rejected some of n log records.
func (t *Transport) lost(rejected, n int64, message string, req *http.Request) {
	t.rejected.Add(rejected)
	t.tell(fmt.Sprintf("otel: the collector rejected %d of %d log records, which are lost: %s", rejected, n, echo(message, req)))
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

// echo returns a text of the collector in quotes and cut, or "[hidden]" if it may repeat a secret of req: the value
// of a header, such as an API key, or a part of the URL.
func echo(text string, req *http.Request) string {
	var secrets scrub.Scrubber
	secrets.AddURL(req.URL)
	for name, values := range req.Header {
		switch name {
		case "Content-Type", "Content-Encoding", "Orig-Content-Length": // not secret, and a text may name the type
			continue
		}
		for _, v := range values {
			secrets.AddHeader(name, v)
		}
	}
	text = secrets.Text(text[:min(len(text), maxAnswer)]) // before it is cut, or a part of a secret would be shown
	if text == scrub.Hidden {
		return text
	}
	return fmt.Sprintf("%+q", text[:min(len(text), maxEcho)])
}
