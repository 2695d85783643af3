package otel

import (
	"crypto/sha256"
	"fmt"
	"io"
	"math/bits"
	"net/http"
	"slices"

	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	logspb "go.opentelemetry.io/proto/slim/otlp/logs/v1"
)

// division is how far the log records of one entry are delivered. They are first sent as a whole. A part that the
// collector refuses is halved, until the log records at fault are alone.
type division struct {
	todo     []span // a stack: the next part is the last
	accepted bool   // the collector accepted a part
	refusals int    // refused requests before that
	lost     int64  // log records that were refused alone
	reason   string // the last answer to one of these
}

// span is a run of log records: [from, to).
type span struct{ from, to int }

func (s span) len() int { return s.to - s.from }

// accept records that the collector accepted the next part.
func (d *division) accept() {
	d.todo = d.todo[:len(d.todo)-1]
	d.accepted = true
}

// refuse records that the collector refused the next part, and why.
func (d *division) refuse(reason string) {
	part := d.todo[len(d.todo)-1]
	d.todo = d.todo[:len(d.todo)-1]
	if !d.accepted {
		d.refusals++
	}
	if part.len() > 1 {
		middle := part.from + part.len()/2
		d.todo = append(d.todo, span{middle, part.to}, span{part.from, middle})
		return
	}
	d.lost++
	d.reason = reason
	if !d.accepted {
		d.largestNext() // the log records beside this one may be at fault too
	}
}

// largestNext makes the largest part the next, and of several the last.
func (d *division) largestNext() {
	at, largest := 0, span{}
	for i, part := range d.todo {
		if part.len() >= largest.len() {
			at, largest = i, part
		}
	}
	if largest.len() > 0 {
		d.todo = append(slices.Delete(d.todo, at, at+1), largest)
	}
}

// divide sends the log records of one entry, as a whole or in parts. It returns an acceptance if there was one, or
// else a refusal. It returns any other answer at once. The next call for the same entry then goes on with the same
// part.
func (t *Transport) divide(req *http.Request, records []*logspb.LogRecord) (*http.Response, error) {
	key := divisionKey(req, records)
	d := t.takeDivision(key)
	if d == nil {
		d = &division{todo: []span{{0, len(records)}}}
	}
	for {
		part := d.todo[len(d.todo)-1]
		resp, err := t.post(req, records[part.from:part.to])
		switch {
		case err != nil || !isSuccess(resp) && !isRefusal(resp):
			t.keepDivision(key, d)
			return resp, err
		case isSuccess(resp):
			d.accept()
		default:
			text, _ := io.ReadAll(resp.Body) // in memory
			d.refuse(string(text))
			setBody(resp, string(text))
		}
		switch {
		// A search for one log record needs no more refusals. If all are refused, the fault is elsewhere.
		case !d.accepted && d.refusals > 2*bits.Len(uint(len(records))), !d.accepted && len(d.todo) == 0:
			return resp, nil
		case len(d.todo) > 0:
			continue
		case d.lost > 0:
			t.lost(d.lost, int64(len(records)), d.reason, req)
		}
		resp.StatusCode, resp.Status = http.StatusOK, "200 OK"
		return resp, nil
	}
}

// maxDivisions bounds the entries of which parts are remembered as delivered. An uploader sends one at a time.
const maxDivisions = 16

// divisionKey identifies an entry, the number of its log records and the collector. It is zero if the entry has no
// number.
func divisionKey(req *http.Request, records []*logspb.LogRecord) (key [sha256.Size]byte) {
	attrs := records[0].Attributes
	if n := len(attrs); n > 0 && attrs[n-1].Key == string(semconv.LogRecordUIDKey) {
		key = sha256.Sum256(fmt.Appendln(nil, req.URL, attrs[n-1].Value.GetStringValue(), len(records)))
	}
	return key
}

// takeDivision returns what keepDivision has kept, or nil.
func (t *Transport) takeDivision(key [sha256.Size]byte) *division {
	t.mu.Lock()
	defer t.mu.Unlock()
	d := t.divisions[key]
	delete(t.divisions, key)
	return d
}

// keepDivision keeps d for the next attempt. If there are too many, the others are sent as a whole again.
func (t *Transport) keepDivision(key [sha256.Size]byte, d *division) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.divisions == nil || len(t.divisions) >= maxDivisions {
		t.divisions = make(map[[sha256.Size]byte]*division)
	}
	if key != ([sha256.Size]byte{}) {
		t.divisions[key] = d
	}
}
