package logtail

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// abortGrace is how long Shutdown waits at its deadline for the request in
// flight to end. Only a Buffer, a Logf or a transport that hangs takes as long.
const abortGrace = 100 * time.Millisecond

// Shutdown uploads what is queued and ends the Logger: from its beginning on,
// Write returns [ErrClosed]. It returns nil when the Buffer is empty, or else an
// [*UndeliveredError] once ctx has ended; without a deadline it tries for ever.
// The request in flight is aborted then.
//
// It may be called from many goroutines: the ctx of the first call governs, the
// others wait for its result or the end of their own ctx. A Buffer, a Logf or a
// transport that hangs delays it by a tenth of a second past ctx; what it hangs
// in is all that outlives it.
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
	if l.q.appending.Load() {
		s.Entries++ // it may never return
	}
	if s.Entries == 0 {
		return nil
	}
	err := ctx.Err()
	if cause := context.Cause(ctx); !errors.Is(cause, err) {
		err = fmt.Errorf("%w: %w", err, cause)
	}
	if last := l.up.Stats().LastError; last != nil {
		err = fmt.Errorf("%w; the last attempt: %w", err, last)
	}
	return &UndeliveredError{Entries: s.Entries, Bytes: s.Bytes, Kept: l.keep, Err: err}
}
