// Package logtail uploads entries of JSON or text to a log server: in order, at
// least once, and through outages of days in bounded memory.
//
//	package main
//
//	import (
//		"context"
//		"fmt"
//		"log"
//		"time"
//
//		"github.com/go-netlog/netlog/logtail"
//	)
//
//	func main() {
//		id, err := logtail.LoadOrCreatePrivateID("node.id")
//		if err != nil {
//			log.Fatal(err)
//		}
//		logger, err := logtail.NewLogger(logtail.Config{Collection: "events", PrivateID: id})
//		if err != nil {
//			log.Fatal(err)
//		}
//		fmt.Fprint(logger, `{"event":"started"}`)
//
//		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
//		defer cancel()
//		if err := logger.Shutdown(ctx); err != nil {
//			log.Print(err) // how much was not delivered, and why
//		}
//	}
//
// # Delivery
//
// An entry waits in a [Buffer] and leaves it when the server has answered 2xx.
// Until then it is sent again: after an answer that got lost a receiver sees it
// twice, with the same bytes and the same proc_id and proc_seq. Nothing is given
// up by time. A full Buffer drops its oldest entries, and tells so in an entry of
// its own with the members droppedEntries and droppedBytes. The server may refuse
// single entries with 400, 413 or 422; they are found by halving the batch, and
// given up only where it takes others, at 413 smaller ones. What looks like a
// fault of the settings or of the server as a whole (401, 404, a redirect) makes
// the uploader slow, and loses nothing.
//
// # Wire format
//
// POST BaseURL/c/<collection>/<private ID>, with a JSON array of entries of at
// most 256 KiB, compressed with zstd where it pays. An entry is the caller's
// object behind a first member of ours:
//
//	{"logtail":{"client_time":"2026-11-22T10:00:05.000000001Z","proc_id":7,"proc_seq":1},"event":"started"}
//
// proc_id is a random number of the Logger, proc_seq counts its entries from 1. A
// missing proc_seq is an entry that was dropped, or that the server refused.
//
// # Secrets
//
// No error, log line or printed Config contains the private ID, a header value, or the path
// and query of the upload URL. A text from the server that may repeat one of them is
// replaced as a whole by "[hidden]": it shares 8 bytes in a row with a secret, or contains
// one of the characters % \ & @ +, behind which an escaped secret could hide. One text is
// out of reach: what a server sends after the end of its answer, which net/http prints to
// the standard logger of package log.
package logtail

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// Logger uploads entries. [NewLogger] makes one; its methods are safe for
// concurrent use, and Shutdown ends it.
//
// It has one goroutine, which ends with Shutdown, as do its timer and, where it
// has a transport of its own, its connections. An idle Logger holds next to no
// memory: what compression and requests take, about 1 MiB, comes with the first
// entry and goes ten seconds after the last request, and with it the idle
// connection.
type Logger struct {
	// immutable
	up *uploader
	id PublicID

	mu     sync.Mutex    // guards ended
	ended  chan struct{} // nil before Shutdown, closed when it has a result
	result error         // of Shutdown; written before ended is closed, read after it
}

// NewLogger checks cfg and starts a Logger. An error names the field of cfg that
// is wrong, or is that of the Buffer's Claim.
//
// It sends nothing by itself. Where the Buffer holds entries already, the first
// request waits for up to ten seconds, so that a fleet does not return as one.
func NewLogger(cfg Config) (*Logger, error) {
	// A call that is inlined has no arguments in a traceback, which would print the
	// first bytes of the ID.
	return newLogger(&cfg)
}

func newLogger(cfg *Config) (*Logger, error) {
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
			return nil, fmt.Errorf("logtail: Buffer: %w", err)
		}
		release = c.Release
	}
	ctx, abort := context.WithCancel(context.Background())
	u := &uploader{
		q:          newQueue(buf, cmp.Or(rand.Uint32(), 1), ctx.Done()),
		sender:     newSender(cfg, upload),
		encoding:   cfg.Encoding,
		compress:   !cfg.DisableCompression,
		flushDelay: cfg.FlushDelay,
		keep:       cfg.Buffer != nil,
		logf:       cfg.Logf,
		release:    release,
		ctx:        ctx,
		abort:      abort,
		done:       make(chan struct{}),
		size:       bodySize{limit: maxBody},
	}
	if u.logf == nil {
		u.logf = func(string, ...any) {}
	}
	go u.run()
	return &Logger{up: u, id: cfg.PrivateID.Public()}, nil
}

// Write queues p as one entry and returns len(p). It does not keep p, and does not
// wait for the network; it waits for the Buffer, which may mean a disk.
//
// A JSON object is sent as it is, behind the metadata. Anything else is text,
// sent as {"text":"..."} without its final newline, and cut at 16 KiB with
// "\u2026+" and the number of bytes cut. Invalid UTF-8 becomes U+FFFD. An empty p is
// nothing.
//
// An object with a member of its own whose name begins with "logtail", in any case
// of its letters, finds that in logtail.error.bad_data: readers that flatten objects
// could take it for the metadata. One with several of them, with a doubled member
// name, or with 1,000 members or more, moves there as a whole; one nested deeper
// than 61 levels is text.
//
// The error is [ErrClosed], or that of the Buffer: then the entry is counted as
// dropped.
func (l *Logger) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	scratch := appendTail(l.up.q.takeScratch(), p)
	defer l.up.q.giveScratch(scratch)
	if err := l.up.q.add(scratch); err != nil {
		return 0, err
	}
	return len(p), nil
}

// WriteObject queues one JSON object that the caller encodes in place:
// appendMembers appends its members, without the braces and without one that begins
// with "logtail", and returns the extended slice. They are not checked: what is no
// JSON makes the server refuse the entry. No lock is held meanwhile, and dst must
// not be kept. Errors are those of Write.
func (l *Logger) WriteObject(appendMembers func(dst []byte) []byte) error {
	scratch := appendMembersTail(l.up.q.takeScratch(), appendMembers)
	defer l.up.q.giveScratch(scratch)
	return l.up.q.add(scratch)
}

// Logf queues a line of text, as Write does. What cannot be queued is counted.
func (l *Logger) Logf(format string, args ...any) {
	fmt.Fprintf(l, format, args...)
}

// Flush returns nil when all that was queued before it has left the Buffer:
// delivered, refused or dropped. It cuts FlushDelay short, but not the pause after
// a failure. It returns ctx's error when that ends first, and ErrClosed after a
// Shutdown that left entries behind.
func (l *Logger) Flush(ctx context.Context) error {
	done := l.up.q.flush()
	select {
	case <-done:
		return nil
	case <-l.up.done:
	case <-ctx.Done():
	}
	l.up.q.forget(done)
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

// Format implements [fmt.Formatter]: it writes the public ID, whatever the verb.
func (l *Logger) Format(f fmt.State, verb rune) {
	fmt.Fprintf(f, "logtail.Logger(%v)", l.id)
}

// Stats returns what the Logger holds and has done. It waits for nothing but the
// Stats of the Buffer.
func (l *Logger) Stats() Stats {
	s := l.up.Stats()
	b := l.up.q.buf.Stats()
	s.BufferedEntries, s.BufferedBytes, s.BufferMaxBytes = b.Entries, b.Bytes, b.MaxBytes
	if b.Entries > 0 {
		s.Oldest = l.up.age(time.Now())
	}
	d := l.up.q.dropped()
	s.DroppedEntries, s.DroppedBytes = d.entries, d.bytes
	return s
}
