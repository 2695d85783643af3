package otel

import (
	"context"
	"slices"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/go-netlog/netlog/record"
)

// New returns a function for the OnRecord field of a netlog.Logger. It emits one log record for each flow to
// a logger of provider, usually a LoggerProvider of the SDK. opts may add attributes to its instrumentation
// scope. It panics if provider is nil. What a Logger sends besides records, by WritePeer, is not emitted.
//
// The function keeps nothing of the Message. It is safe for concurrent use if provider is. It returns when
// the provider has taken all log records, and until then the Logger polls nothing. A batch processor of the
// SDK never waits for its exporter: if its queue is full, it drops its oldest log records, without an error.
// So a queue must have room for the flows of several windows. A simple processor exports each log record
// before it returns, and is not suitable.
//
// Shut the provider down after the Logger, or the last window is lost.
func New(provider log.LoggerProvider, opts ...log.LoggerOption) func(*record.Message) {
	opts = slices.Concat([]log.LoggerOption{log.WithSchemaURL(semconv.SchemaURL)}, opts)
	logger := provider.Logger(scope, opts...)
	return func(m *record.Message) {
		ctx := context.Background()
		flows := logger.Enabled(ctx, log.EnabledParameters{Severity: log.SeverityInfo, EventName: eventFlow})
		lost := logger.Enabled(ctx, log.EnabledParameters{Severity: log.SeverityWarn, EventName: eventLost})
		for e := range events(m, flows, lost) {
			logger.Emit(ctx, e.record())
		}
	}
}

// record returns e as a log record of the SDK, which has copies of the attributes.
func (e *event) record() (r log.Record) {
	r.SetEventName(e.name)
	r.SetTimestamp(e.start)
	r.SetObservedTimestamp(e.end)
	r.SetSeverity(e.severity)
	r.SetSeverityText(e.severity.String())
	r.SetBody(attribute.StringValue(e.body))
	r.AddAttributes(e.attrs...)
	return r
}
