package logtail

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/go-netlog/netlog/internal/faults"
)

const (
	startSpread = 10 * time.Second // maximum delay of a backlog at start, so that a fleet does not return all at once
	linger      = 10 * time.Second // time after the last request at which memory and connection are released
)

// uploader sends the entries of the queue to the server, one request at a time.
//
// Its only goroutine is run. NewLogger starts it, and it ends when the queue is closed and empty,
// or when abort is called. Its timer runs only while there are entries, and for ten seconds after
// the last request.
type uploader struct {
	// The fields below are immutable.
	q          *queue
	sender     *sender // holds the secrets
	encoding   Encoding
	flushDelay time.Duration
	keep       bool // the Buffer belongs to the caller and outlives the uploader
	logf       func(format string, args ...any)
	release    func()
	ctx        context.Context // ended by abort
	abort      context.CancelFunc
	done       chan struct{} // closed at the end of run

	// The fields below are owned by run.
	packer    packer
	compress  bool
	batch     batch
	size      bodySize
	failures  int // since the last success
	stuck     int // consecutive batches that stayed in the Buffer
	faults    faults.Faults
	reporter  reporter
	timer     *time.Timer // used by sleep, and stopped otherwise; nil before the first use
	lingerEnd time.Time   // when to release memory, or zero if there is none

	mu     sync.Mutex // guards the fields below
	counts Stats      // DeliveredEntries, RefusedEntries, Attempts, LastError
	oldest time.Time  // when the first entry of batch was written, or zero if unknown
}

func (u *uploader) run() {
	defer u.end()
	if u.q.backlog {
		u.nextBatch() // only for its age in Stats; step handles errors
		u.await(time.Now().Add(rand.N(startSpread)), u.q.urgent)
	}
	for {
		u.await(u.reporter.retryAt(u.q), u.hasWork)
		if u.ctx.Err() != nil || u.drained() {
			return
		}
		u.coalesce()
		if u.ctx.Err() != nil {
			return
		}
		u.step()
	}
}

func (u *uploader) end() {
	if u.keep && !u.empty() {
		u.reporter.saveReport(u.q)
		u.q.buf.Peek(1) // lets the Buffer drop what it has lost, so that UndeliveredError is true
	}
	u.releaseMemory()
	u.release()
	close(u.done)
}

// await waits until ready returns true, for the deadline if it is not zero, or for the end of ctx.
// It calls ready again whenever the queue changes.
func (u *uploader) await(deadline time.Time, ready func() bool) {
	for u.ctx.Err() == nil && !ready() {
		now := time.Now()
		if !u.lingerEnd.IsZero() && !now.Before(u.lingerEnd) {
			u.releaseMemory()
		}
		if !deadline.IsZero() && !now.Before(deadline) {
			return
		}
		u.sleep(now, earlier(deadline, u.lingerEnd))
	}
}

// sleep waits for a change of the queue, or for the time until if it is not zero.
func (u *uploader) sleep(now, until time.Time) {
	var expired <-chan time.Time
	if !until.IsZero() {
		if u.timer == nil {
			u.timer = time.NewTimer(until.Sub(now))
		} else {
			u.timer.Reset(until.Sub(now))
		}
		defer u.timer.Stop()
		expired = u.timer.C
	}
	select {
	case <-u.ctx.Done():
	case <-u.q.wake:
	case <-expired:
	}
}

// earlier returns the earlier of two times that are not zero.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// releaseMemory frees the memory and the idle connection of a Logger that has nothing to do.
func (u *uploader) releaseMemory() {
	u.packer.release()
	u.q.releaseScratch()
	u.sender.closeIdle()
	u.lingerEnd = time.Time{}
	u.batch.release()
}

func (u *uploader) empty() bool { return u.q.buf.Stats().Entries == 0 }

func (u *uploader) hasWork() bool {
	return !u.empty() || u.reporter.due(u.q) || u.drained()
}

// drained reports whether the queue is closed and empty.
func (u *uploader) drained() bool {
	closed, writers := u.q.closing()
	return closed && writers == 0 && u.empty() && !u.reporter.due(u.q)
}

// coalesce lets entries wait for others, for at most FlushDelay. A full body does not wait, so a
// backlog waits only for its last body.
func (u *uploader) coalesce() {
	since := u.q.oldest()
	if u.flushDelay == 0 || u.failures > 0 || since.IsZero() {
		return
	}
	u.await(since.Add(u.flushDelay), func() bool {
		return u.q.buf.Stats().Bytes >= int64(u.size.limit) || u.q.urgent()
	})
}

// step makes at most one request, and pauses if its answer requires it.
func (u *uploader) step() {
	// While the server fails, more entries may be dropped, which the same report can
	// include. But if no entries are left, no success will follow, so report now.
	if u.reporter.due(u.q) && (u.failures == 0 || u.empty()) {
		u.reporter.queue(u.q)
	}
	if u.batch.acking {
		u.acknowledge()
		return
	}
	if u.empty() {
		return // a report was due, but the Buffer refused it
	}
	if err := u.nextBatch(); err != nil {
		if u.empty() {
			return // the Buffer dropped what it could not read; the next step reports it
		}
		u.failed(unavailable, answer{err: err})
		return
	}
	next := u.batch.plan.next(u.size.limit - 1) // the plan is not done, or the batch would be gone
	body, size, compressed := u.packer.pack(u.batch.entries[next.from:next.to], u.encoding, u.compress)
	u.lingerEnd = time.Time{}
	u.mu.Lock()
	u.counts.Attempts++
	u.mu.Unlock()
	a := u.sender.send(u.ctx, body, size, compressed)
	u.lingerEnd = time.Now().Add(linger)
	if u.ctx.Err() != nil && a.status == 0 {
		return
	}
	u.handle(a, size, compressed)
}

// stats returns the counts of the uploader.
func (u *uploader) stats() Stats {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.counts
}

// age returns how long the oldest entry of the queue has waited. The queue must not be empty.
func (u *uploader) age(now time.Time) time.Duration {
	u.mu.Lock()
	oldest := u.oldest
	u.mu.Unlock()
	if oldest.IsZero() {
		oldest = u.q.oldest()
	}
	if oldest.IsZero() {
		return 0
	}
	return max(0, now.Sub(oldest))
}

// Stats are the counters of a Logger since its creation. Every entry that was written, or found
// in the Buffer, counts once: as buffered, delivered, refused or dropped. An entry that the
// Buffer drops during its request counts as dropped, although the server may have received it.
type Stats struct {
	BufferedEntries  int
	BufferedBytes    int64         // as the Buffer counts them
	BufferMaxBytes   int64         // the bound on BufferedBytes
	Oldest           time.Duration // age of the oldest buffered entry, by the wall clock
	DeliveredEntries uint64        // entries answered with 2xx
	DroppedEntries   uint64        // entries dropped by a full or failing Buffer
	DroppedBytes     uint64
	RefusedEntries   uint64 // entries that the server refused one by one
	Attempts         uint64 // requests sent
	LastError        error  // the error of the last attempt; nil after a success
}
