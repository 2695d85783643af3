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
// An entry stays in a [Buffer] until the server has answered 2xx. Until then it is sent
// again: if an answer is lost, the receiver sees the entry twice, with the same bytes and
// the same proc_id and proc_seq. No entry expires, and a step of the system clock drops none
// and delays none by more than FlushDelay. A full Buffer drops its oldest entries, which the
// uploader reports in an entry with the members droppedEntries and droppedBytes. With a
// [LossKeeper], such as a spool, it also reports what earlier processes lost. The server may
// refuse a batch because of single entries, with 400, 413 or 422. The uploader finds these
// entries by halving the batch. It drops them only if the server accepts other entries of the
// batch (for 413: smaller ones). An answer that points to a wrong setting or a broken server
// (401, 404, a redirect) loses nothing; the uploader retries slowly.
//
// # Wire format
//
// A request is POST BaseURL/c/<collection>/<private ID> with a JSON array of entries, of at
// most 256 KiB or one longer entry, compressed with zstd, or gzip if Config says so, if that
// makes it smaller. An entry is the caller's object with a first member of ours:
//
//	{"logtail":{"client_time":"2026-11-22T10:00:05.000000001Z","proc_id":7,"proc_seq":1},"event":"started"}
//
// proc_id is a random number of the Logger. proc_seq counts its entries from 1; a missing
// number is an entry that was dropped or refused.
//
// # Secrets
//
// No error, log line or printed Config contains the private ID, a header value, or the path
// and query of the upload URL. Text from the server is replaced by "[hidden]" if it has 8
// consecutive bytes in common with a secret, or contains %, \, & or @, which could indicate
// an escaped secret. Text from the server may repeat parts of the URL that are not secret:
// elements of the path of at most 10 lower-case letters and underscores, such as insert,
// versions such as v1, names of parameters, and the values without quotes of query, database,
// table, _msg_field, _stream_fields and _time_field. One case is not covered: text that a server
// sends after the end of its answer, which net/http prints to the standard logger of package log.
package logtail

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// Logger uploads entries. It is created by [NewLogger] and ended by Shutdown. Its methods are
// safe for concurrent use.
//
// A Logger has one goroutine. Shutdown ends it, its timer, and the connections of its own
// transport. Compression and requests take about 1 MiB of memory, which is allocated for the
// first entry. Ten seconds after the last request, the Logger frees the memory and closes the
// idle connection of its own transport.
type Logger struct {
	// immutable
	up *uploader
	id PublicID

	mu     sync.Mutex    // guards ended
	ended  chan struct{} // nil before Shutdown, closed when it has a result
	result error         // of Shutdown; written before ended is closed, read after it
}

// NewLogger checks cfg and starts a Logger. The error names the wrong field of cfg, or is
// the error of the Buffer's Claim method.
//
// If the Buffer already holds entries, the first request is delayed by up to ten seconds, so
// that a fleet of nodes does not return all at once.
func NewLogger(cfg Config) (*Logger, error) {
	// This call is inlined, so a traceback does not print its argument: the first bytes of
	// the ID.
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
		packer:     packer{useGzip: cfg.Gzip},
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

// Write queues p as one entry and returns len(p). It does not keep p. It never waits for the
// network, but may wait for the Buffer, which may be on disk.
//
// A JSON object is sent as it is, after the metadata. Anything else is text: it is sent as
// {"text":"..."} without its final newline. Text over 16 KiB is cut, and ends in an
// ellipsis, a plus sign and the number of bytes removed. Invalid UTF-8 becomes U+FFFD. An empty p is ignored.
//
// A member whose name begins with "logtail", in upper or lower case, is moved to
// logtail.error.bad_data, because readers that flatten objects could mistake it for the
// metadata. The whole object is moved there if it has several such members, duplicate names,
// or 1,000 members or more. An object nested more than 61 levels deep is treated as text.
//
// Write returns [ErrClosed] after Shutdown has begun, or the error of the Buffer. In the latter
// case the entry is counted as dropped.
func (l *Logger) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	scratch := appendTail(l.up.q.takeScratch(), p)
	defer l.up.q.putScratch(scratch)
	if err := l.up.q.add(scratch); err != nil {
		return 0, err
	}
	return len(p), nil
}

// WriteObject queues one JSON object without copying it: appendMembers appends the members to
// dst, without the braces, and returns the extended slice. No name may begin with "logtail".
// The members are not checked, and the server refuses an entry that is not JSON. appendMembers
// must not keep dst. No lock is held while it runs. The errors are those of Write.
func (l *Logger) WriteObject(appendMembers func(dst []byte) []byte) error {
	scratch := appendMembersTail(l.up.q.takeScratch(), appendMembers)
	defer l.up.q.putScratch(scratch)
	return l.up.q.add(scratch)
}

// Logf queues a line of text, like Write. A line that the Buffer refuses is counted as dropped.
// After Shutdown has begun, lines are discarded.
func (l *Logger) Logf(format string, args ...any) {
	fmt.Fprintf(l, format, args...)
}

// Flush waits until all entries queued before it have left the Buffer, whether delivered,
// refused or dropped. It ends the FlushDelay, but not the pause after a failure. It returns
// the error of ctx if ctx ends first, and ErrClosed if Shutdown left entries behind.
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

// Format implements [fmt.Formatter]. For every verb it writes the public ID.
func (l *Logger) Format(f fmt.State, verb rune) {
	fmt.Fprintf(f, "logtail.Logger(%v)", l.id)
}

// Stats returns the counters of the Logger. It waits for nothing but the Stats method of the
// Buffer.
func (l *Logger) Stats() Stats {
	s := l.up.stats()
	b := l.up.q.buf.Stats()
	s.BufferedEntries, s.BufferedBytes, s.BufferMaxBytes = b.Entries, b.Bytes, b.MaxBytes
	if b.Entries > 0 {
		s.Oldest = l.up.age(time.Now())
	}
	d := l.up.q.dropped()
	s.DroppedEntries, s.DroppedBytes = d.entries, d.bytes
	return s
}
