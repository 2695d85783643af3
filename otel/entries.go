package otel

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/klauspost/compress/zstd"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	commonpb "go.opentelemetry.io/proto/slim/otlp/common/v1"
	logspb "go.opentelemetry.io/proto/slim/otlp/logs/v1"

	"github.com/go-netlog/netlog/record"
)

// instrumentation is the scope of the log records. It is immutable.
var instrumentation = &commonpb.InstrumentationScope{Name: scope}

// readEntries reads the body of a request of the uploader: an array of entries, or one entry per line. It
// returns the log records and the number of entries.
func readEntries(req *http.Request) (records []*logspb.LogRecord, entries int, err error) {
	body, err := open(req)
	if err != nil {
		return nil, 0, err
	}
	defer body.Close()
	text := bufio.NewReader(body)
	d := json.NewDecoder(text)
	first, err := text.Peek(1)
	array := err == nil && first[0] == '['
	if array {
		d.Token()
	}
	var c converter
	for d.More() {
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return nil, 0, fmt.Errorf("otel: the body is not JSON: %w", err)
		}
		c.add(raw)
		entries++
	}
	if _, err := d.Token(); err != nil && (array || !errors.Is(err, io.EOF)) {
		return nil, 0, fmt.Errorf("otel: the body is not complete: %w", err)
	}
	return c.records, entries, nil
}

// open returns the body of req without compression.
func open(req *http.Request) (io.ReadCloser, error) {
	switch encoding := req.Header.Get("Content-Encoding"); encoding {
	case "":
		return io.NopCloser(req.Body), nil
	case "gzip":
		d, err := gzip.NewReader(req.Body)
		if err != nil {
			return nil, fmt.Errorf("otel: the body is not gzip: %w", err)
		}
		return d, nil
	case "zstd":
		d, err := zstd.NewReader(req.Body, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, fmt.Errorf("otel: the body is not zstd: %w", err)
		}
		return d.IOReadCloser(), nil
	default:
		return nil, fmt.Errorf("otel: unknown Content-Encoding %.20q of the request", encoding)
	}
}

// converter converts entries to log records.
type converter struct {
	records []*logspb.LogRecord
	entry   record.Entry // its memory is reused
}

// add adds the log records of one entry. There is at least one, so that no entry is lost.
func (c *converter) add(raw []byte) {
	before := len(c.records)
	if err := c.entry.UnmarshalJSON(raw); err != nil {
		c.entry = record.Entry{Logtail: c.entry.Logtail} // the uploader writes this member first
	}
	for e := range events(&c.entry.Message, true, true) {
		c.append(e)
	}
	if c.entry.Event == record.EventPeer && c.entry.Start.IsZero() {
		e := c.event(eventPeer, log.SeverityInfo)
		e.peer(&c.entry.Peer)
		c.append(e)
	}
	if c.entry.Text != "" || c.entry.DroppedEntries > 0 {
		c.append(c.text())
	}
	if len(c.records) == before {
		e := c.event(eventText, log.SeverityInfo)
		e.body = string(raw)
		c.append(e)
	}
	for i, r := range c.records[before:] {
		if uid := c.uid(i); uid != "" {
			r.Attributes = append(r.Attributes, keyValue(semconv.LogRecordUID(uid)))
		}
	}
}

// event returns an event of the entry that is not part of a window.
func (c *converter) event(name string, severity log.Severity) *event {
	at := c.entry.Logtail.ClientTime
	e := &event{start: at, end: at}
	e.begin(name, severity, &c.entry.Message)
	return e
}

// text returns the event of a text, which may be a report of entries that were dropped.
func (c *converter) text() *event {
	e := c.event(eventText, log.SeverityInfo)
	if c.entry.DroppedEntries > 0 {
		e.severity = log.SeverityWarn
		e.count("netlog.dropped.entries", c.entry.DroppedEntries)
		e.count("netlog.dropped.bytes", c.entry.DroppedBytes)
	}
	e.body = c.entry.Text
	return e
}

// uid returns a value for log record i of the entry that no other log record has, and that is the same
// whenever the entry is sent. It is empty if the entry has no number.
func (c *converter) uid(i int) string {
	if !c.entry.HasSeq() {
		return ""
	}
	m := &c.entry.Logtail
	return fmt.Sprintf("%08x-%x-%x-%x", m.ProcID, nanos(m.ClientTime), m.ProcSeq, i)
}

// append adds e as a log record.
func (c *converter) append(e *event) {
	c.records = append(c.records, &logspb.LogRecord{
		TimeUnixNano:         nanos(e.start),
		ObservedTimeUnixNano: cmp.Or(nanos(e.end), nanos(c.entry.Logtail.ClientTime)),
		SeverityNumber:       logspb.SeverityNumber(e.severity),
		SeverityText:         e.severity.String(),
		EventName:            e.name,
		Body:                 value(attribute.StringValue(e.body)),
		Attributes:           keyValues(e.attrs),
	})
}

// nanos returns t for OTLP, where 0 means that the time is not known.
func nanos(t time.Time) uint64 {
	if t.Year() < 1970 || t.Year() > 2261 { // UnixNano would wrap around
		return 0
	}
	return uint64(t.UnixNano())
}
