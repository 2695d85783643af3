package otel

import (
	"bytes"
	"cmp"
	"io"
	"math/bits"
	"net/http"

	logspb "go.opentelemetry.io/proto/slim/otlp/logs/v1"
)

// divide sends the log records of one entry in halves, which it halves again until the collector accepts them.
// It returns an answer that is neither an acceptance nor a refusal at once: all log records are sent again.
// Otherwise it returns an acceptance if there was one, or else a refusal.
func (t *Transport) divide(req *http.Request, records []*logspb.LogRecord) (*http.Response, error) {
	var todo [][]*logspb.LogRecord // a stack: the next part is the last
	halve := func(part []*logspb.LogRecord) { todo = append(todo, part[len(part)/2:], part[:len(part)/2]) }
	halve(records)

	var accepted, refused *http.Response
	var lost int64
	inRow := 1 // refusals since the last acceptance
	for len(todo) > 0 {
		part := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		resp, err := t.post(req, part)
		if err != nil {
			return nil, err
		}
		keepBody(resp)
		switch {
		case isSuccess(resp):
			accepted, inRow = resp, 0
			continue
		case !isRefusal(resp):
			return resp, nil
		case len(part) > 1:
			halve(part)
		default:
			lost++
			refused = resp
		}
		// A search for one log record needs no more refusals in a row. If all are refused, the fault is elsewhere.
		if inRow++; inRow > 2*bits.Len(uint(len(records))) {
			return resp, nil
		}
	}
	if accepted == nil || lost == 0 {
		return cmp.Or(accepted, refused), nil
	}
	message, _ := io.ReadAll(refused.Body) // in memory
	t.lost(lost, int64(len(records)), string(message), req.Header)
	return accepted, nil
}

// keepBody reads a short body to its end and closes it, so that the connection can be used again. It can still be
// read from resp.
func keepBody(resp *http.Response) {
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	resp.Body.Close()
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
}
