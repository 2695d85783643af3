// Package logtail uploads entries of JSON or text to a log server.
package logtail

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// ErrClosed says that the Logger takes nothing more after its Shutdown.
var ErrClosed = errors.New("logtail: the logger is shut down")

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
	BufferMaxBytes   int64         // the bound on BufferedBytes
	Oldest           time.Duration // age of the oldest entry not yet delivered
	DeliveredEntries uint64        // answered with 2xx
	DroppedEntries   uint64        // dropped by a full or failing buffer
	DroppedBytes     uint64
	RefusedEntries   uint64 // refused by the server one by one, and given up
	Attempts         uint64 // requests sent
	LastError        error  // of the last attempt; nil after a success
}

// Logger uploads entries. Its methods are safe for concurrent use.
type Logger struct {
	// immutable
	q    *queue
	up   *uploader
	keep bool // the Buffer outlives the Logger

	mu     sync.Mutex    // guards the fields below
	ended  chan struct{} // nil before Shutdown, closed when it has a result
	result error         // of Shutdown; set before ended is closed
}

// abortGrace is how long Shutdown waits at its deadline for the request in
// flight to end. Only a Buffer, a Logf or a transport that hangs takes as long.
const abortGrace = 100 * time.Millisecond

// NewLogger checks cfg and starts a Logger. It sends nothing by itself.
func NewLogger(cfg Config) (*Logger, error) {
	upload, err := cfg.uploadURL()
	if err != nil {
		return nil, err
	}
	buf, release := cfg.Buffer, func() {}
	if buf == nil {
		buf = NewMemoryBuffer(defaultMemoryBuffer)
	}
	if c, ok := buf.(Claimer); ok {
		if err := c.Claim(cfg.PrivateID.Public()); err != nil {
			return nil, err
		}
		release = c.Release
	}
	ctx, abort := context.WithCancel(context.Background())
	u := &uploader{
		q:          newQueue(buf, cmp.Or(rand.Uint32(), 1), ctx.Done()),
		sender:     newSender(&cfg, upload),
		format:     cfg.Format,
		compress:   !cfg.DisableCompression,
		flushDelay: cfg.FlushDelay,
		keep:       cfg.Buffer != nil,
		logf:       cfg.Logf,
		release:    release,
		ctx:        ctx,
		abort:      abort,
		done:       make(chan struct{}),
		limit:      maxBody,
	}
	if u.logf == nil {
		u.logf = func(string, ...any) {}
	}
	go u.run()
	return &Logger{q: u.q, up: u, keep: u.keep}, nil
}

// Write queues p as one entry: a JSON object, or text.
func (l *Logger) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	scratch := appendTail(l.q.takeScratch(), p)
	defer l.q.giveScratch(scratch)
	if err := l.q.add(scratch); err != nil {
		return 0, err
	}
	return len(p), nil
}

// WriteObject queues one JSON object that the caller encodes in place:
// appendMembers appends its members, without the braces and without a member
// "logtail", and returns the extended slice. They are not checked.
func (l *Logger) WriteObject(appendMembers func(dst []byte) []byte) error {
	scratch := appendMembersTail(l.q.takeScratch(), appendMembers)
	defer l.q.giveScratch(scratch)
	return l.q.add(scratch)
}

// Logf queues a line of text.
func (l *Logger) Logf(format string, args ...any) {
	fmt.Fprintf(l, format, args...) // what cannot be queued is counted
}

// Flush returns when all that was queued before it has been delivered or given up.
func (l *Logger) Flush(ctx context.Context) error {
	done := l.q.flush()
	select {
	case <-done:
		return nil
	case <-l.up.done:
	case <-ctx.Done():
	}
	l.q.forget(done)
	select {
	case <-done:
		return nil
	default:
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return ErrClosed
}

// Shutdown uploads what is queued and ends the Logger.
func (l *Logger) Shutdown(ctx context.Context) error {
	l.mu.Lock()
	ended, first := l.ended, l.ended == nil
	if first {
		ended = make(chan struct{})
		l.ended = ended
	}
	l.mu.Unlock()
	if first {
		err := l.shutdown(ctx)
		l.mu.Lock()
		l.result = err
		l.mu.Unlock()
		close(ended)
		return err
	}
	select {
	case <-ended:
	case <-ctx.Done():
		return l.undelivered(ctx)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.result
}

func (l *Logger) shutdown(ctx context.Context) error {
	l.q.close()
	select {
	case <-l.up.done:
		l.up.abort()
		return nil
	case <-ctx.Done():
	}
	l.up.abort()
	grace := time.NewTimer(abortGrace)
	defer grace.Stop()
	select {
	case <-l.up.done:
	case <-grace.C:
	}
	return l.undelivered(ctx)
}

// undelivered describes what is left when ctx has ended.
func (l *Logger) undelivered(ctx context.Context) error {
	s := l.q.buf.Stats()
	_, writers := l.q.closing()
	if s.Entries+writers == 0 {
		return nil
	}
	err := context.Cause(ctx)
	if last := l.up.Stats().LastError; last != nil {
		err = fmt.Errorf("%w; the last attempt: %w", err, last)
	}
	return &UndeliveredError{Entries: s.Entries + writers, Bytes: s.Bytes, Kept: l.keep, Err: err}
}

// Stats never waits.
func (l *Logger) Stats() Stats {
	s := l.up.Stats()
	b := l.q.buf.Stats()
	s.BufferedEntries, s.BufferedBytes, s.BufferMaxBytes = b.Entries, b.Bytes, b.MaxBytes
	if b.Entries > 0 {
		s.Oldest = l.up.age(time.Now())
	}
	d := l.q.dropped()
	s.DroppedEntries, s.DroppedBytes = d.entries, d.bytes
	return s
}
