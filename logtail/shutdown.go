package logtail

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// ErrClosed is returned by a Logger after its Shutdown has begun.
var ErrClosed = errors.New("logtail: the logger is shut down")

// UndeliveredError is the error of a Shutdown that left entries undelivered. Its counts
// include entries that the server may have received without the answer arriving.
type UndeliveredError struct {
	Entries int   // in the Buffer, including the entry of a Write that hangs in it
	Bytes   int64 // as the Buffer counts them
	Kept    bool  // the caller's own Buffer still holds the entries
	Err     error // why: the error of the context, its cause, and the error of the last attempt
}

// Error implements error.
func (e *UndeliveredError) Error() string {
	fate := ", lost"
	if e.Kept {
		fate = ", kept"
	} else if e.Entries == 0 {
		fate = "" // ctx ended before it was known that nothing is left
	}
	return fmt.Sprintf("logtail: %d entries (%d bytes) not delivered%s: %v", e.Entries, e.Bytes, fate, e.Err)
}

// Unwrap returns e.Err.
func (e *UndeliveredError) Unwrap() error { return e.Err }

// abortGrace is how long Shutdown waits after its deadline for the request in flight to end. It
// only takes so long if a Buffer, a Logf or a transport hangs.
const abortGrace = 100 * time.Millisecond

// Shutdown uploads what is queued and ends the Logger. Once it has begun, Write returns
// [ErrClosed]. It returns nil when the Buffer is empty. At the end of ctx it aborts the
// request in flight and returns an [*UndeliveredError]. Without a deadline it tries forever.
//
// Shutdown may be called from many goroutines. The ctx of the first call governs; the others
// wait for its result or the end of their own ctx. If a Buffer, a Logf or a transport hangs,
// Shutdown returns up to 100 ms after the end of ctx, and only the call that hangs outlives
// it.
func (l *Logger) Shutdown(ctx context.Context) error {
	l.mu.Lock()
	ended, first := l.ended, l.ended == nil
	if first {
		ended = make(chan struct{})
		l.ended = ended
	}
	l.mu.Unlock()
	if first {
		l.result = l.shutdown(ctx)
		close(ended)
		return l.result
	}
	select {
	case <-ended:
		return l.result
	case <-ctx.Done():
		return l.undelivered(ctx)
	}
}

func (l *Logger) shutdown(ctx context.Context) error {
	l.up.q.close()
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

// undelivered returns the error for what is left when ctx has ended.
func (l *Logger) undelivered(ctx context.Context) error {
	s := l.up.q.buf.Stats()
	if l.up.q.appending.Load() {
		s.Entries++ // it may never return
	}
	if s.Entries == 0 {
		return nil
	}
	err := ctx.Err()
	if cause := context.Cause(ctx); !errors.Is(cause, err) {
		err = fmt.Errorf("%w: %w", err, cause)
	}
	if last := l.up.stats().LastError; last != nil {
		err = fmt.Errorf("%w; the last attempt: %w", err, last)
	}
	return &UndeliveredError{Entries: s.Entries, Bytes: s.Bytes, Kept: l.up.keep, Err: err}
}

// waiter is a call of Flush. done is closed when target entries have left the Buffer.
type waiter struct {
	target uint64
	done   chan struct{}
}

// left returns the number of entries that have ever left the Buffer. It may lag behind by the
// entries that writers are appending.
func (q *queue) left() uint64 {
	q.mu.Lock()
	added := q.start + q.appended
	q.mu.Unlock()
	return added - min(added, uint64(q.buf.Stats().Entries))
}

// releaseFlushes ends the calls of Flush whose entries have left the Buffer.
func (q *queue) releaseFlushes() {
	q.mu.Lock()
	none := len(q.waiters) == 0
	q.mu.Unlock()
	if none {
		return
	}
	left := q.left()
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiters = slices.DeleteFunc(q.waiters, func(w waiter) bool {
		if w.target > left {
			return false
		}
		close(w.done)
		return true
	})
}

// flush makes all current entries leave without delay. The channel is closed when they have
// left.
func (q *queue) flush() <-chan struct{} {
	w := waiter{done: make(chan struct{})}
	q.mu.Lock()
	w.target = q.start + q.appended
	q.flushTo = w.target
	q.waiters = append(q.waiters, w)
	q.mu.Unlock()
	q.releaseFlushes()
	q.notify()
	return w.done
}

// forget removes the waiter of a Flush that has ended.
func (q *queue) forget(done <-chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiters = slices.DeleteFunc(q.waiters, func(w waiter) bool { return w.done == done })
}
