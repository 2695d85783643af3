// Package logtail uploads entries of JSON or text to a log server.
package logtail

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// UndeliveredError says how much a Logger still held when it had to stop.
type UndeliveredError struct {
	Entries int
	Bytes   int64
	Kept    bool  // the caller's own Buffer still holds the entries
	Err     error // why, usually the error of the context
}

// Error implements error.
func (e *UndeliveredError) Error() string {
	fate := "lost"
	if e.Kept {
		fate = "kept"
	}
	return fmt.Sprintf("logtail: %d entries (%d bytes) not delivered, %s: %v", e.Entries, e.Bytes, fate, e.Err)
}

// Unwrap returns e.Err.
func (e *UndeliveredError) Unwrap() error { return e.Err }

// Stats tells what a Logger has done since it was made.
type Stats struct {
	BufferedEntries  int
	BufferedBytes    int64
	Oldest           time.Duration // age of the oldest entry not yet delivered
	DeliveredEntries uint64        // answered with 2xx
	DroppedEntries   uint64        // dropped by a full or failing buffer
	DroppedBytes     uint64
	RefusedEntries   uint64 // refused by the server one by one, and given up
	Attempts         uint64 // requests sent
	LastError        error  // of the last attempt; nil after a success
}

// Logger uploads entries. Its methods are safe for concurrent use.
type Logger struct{}

// NewLogger checks cfg and starts a Logger. It sends nothing by itself.
func NewLogger(cfg Config) (*Logger, error) { return nil, errNotBuilt }

// Write queues p as one entry: a JSON object, or text.
func (l *Logger) Write(p []byte) (int, error) { return 0, errNotBuilt }

// WriteObject queues one JSON object that the caller encodes in place:
// appendMembers appends its members, without the braces and without a member
// "logtail", and returns the extended slice. They are not checked.
func (l *Logger) WriteObject(appendMembers func(dst []byte) []byte) error { return errNotBuilt }

// Logf queues a line of text.
func (l *Logger) Logf(format string, args ...any) {}

// Flush returns when all that was queued before it has been delivered or given up.
func (l *Logger) Flush(ctx context.Context) error { return errNotBuilt }

// Shutdown uploads what is queued and ends the Logger.
func (l *Logger) Shutdown(ctx context.Context) error { return errNotBuilt }

// Stats never waits.
func (l *Logger) Stats() Stats { return Stats{} }

var errNotBuilt = errors.New("logtail: not built yet")
