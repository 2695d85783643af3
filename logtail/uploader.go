package logtail

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	startSpread = 10 * time.Second // a backlog at start waits up to this, so that a fleet does not return as one
	linger      = 10 * time.Second // after the last request: then memory and connection are given back
)

// uploader takes entries from the queue to the server, one request at a time.
//
// run is its only goroutine. NewLogger starts it; it ends when the queue is
// closed and empty, or when abort is called. Its timer runs only while there
// are entries, and for a moment after the last request.
type uploader struct {
	// immutable
	q          *queue
	sender     *sender // holds the secrets
	encoding   Encoding
	flushDelay time.Duration
	keep       bool // the Buffer is the caller's and outlives the uploader
	logf       func(format string, args ...any)
	release    func()
	ctx        context.Context // ended by abort
	abort      context.CancelFunc
	done       chan struct{} // closed at the end of run

	// owned by run
	packer    packer
	compress  bool
	batch     batch
	size      bodySize
	failures  int // since the last success
	stuck     int // batches in a row that had to stay
	faults    faults
	reporter  reporter
	timer     *time.Timer // of sleep, and stopped but there; nil before the first
	lingerEnd time.Time   // when to give memory back; zero: there is none

	mu     sync.Mutex // guards the fields below
	counts Stats      // DeliveredEntries, RefusedEntries, Attempts, LastError
	oldest time.Time  // when the first entry of batch was written; zero: not known
}

func (u *uploader) run() {
	defer u.end()
	if u.q.start > 0 {
		u.nextBatch() // for its age, which Stats tells; step makes what fails good
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
	}
	u.releaseMemory()
	u.release()
	close(u.done)
}

// await waits until ready, woken by the queue, or until the deadline, if there
// is one, or for the end of ctx.
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

// sleep waits for something to happen, and no longer than to until, if that is set.
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

// drained reports whether the queue is closed and nothing is left of it.
func (u *uploader) drained() bool {
	closed, writers := u.q.closing()
	return closed && writers == 0 && u.empty() && !u.reporter.due(u.q)
}

// coalesce lets entries wait for others, as long as FlushDelay says. A full body
// does not wait, so neither does a backlog, down to its last one.
func (u *uploader) coalesce() {
	since := u.q.oldest()
	if u.flushDelay == 0 || u.failures > 0 || since.IsZero() {
		return
	}
	u.await(since.Add(u.flushDelay), func() bool {
		return u.q.buf.Stats().Bytes >= int64(u.size.limit) || u.q.urgent()
	})
}

// step makes one request at most, and pauses as its answer demands.
func (u *uploader) step() {
	// While the server fails, more may be dropped that the same report could tell.
	// It must not wait for a success that nothing is left to have.
	if u.reporter.due(u.q) && (u.failures == 0 || u.empty()) {
		u.reporter.tell(u.q)
	}
	if u.batch.acking {
		u.acknowledge()
		return
	}
	if u.empty() {
		return // a report was due, and the Buffer did not take it
	}
	if err := u.nextBatch(); err != nil {
		if u.empty() {
			return // the Buffer gave up what it could not read: the next step reports that
		}
		u.failed(unavailable, answer{err: err})
		return
	}
	next := u.batch.plan.next(u.size.limit - 1) // not done, or it was acknowledged
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

// Stats returns the counts of the uploader.
func (u *uploader) Stats() Stats {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.counts
}

// age returns how long the oldest entry of the queue has waited, if any waits.
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

// Stats tells what a Logger holds and has done since it was made. Entries count
// once: what was written, or found in the Buffer, is buffered, delivered, refused
// or dropped. An entry that the Buffer dropped while it was under way is
// dropped, though the server may have it.
type Stats struct {
	BufferedEntries  int
	BufferedBytes    int64         // as the Buffer counts them
	BufferMaxBytes   int64         // the bound on BufferedBytes
	Oldest           time.Duration // age of the oldest buffered entry, by the wall clock
	DeliveredEntries uint64        // answered with 2xx
	DroppedEntries   uint64        // by a full Buffer, or because it failed
	DroppedBytes     uint64
	RefusedEntries   uint64 // refused by the server one by one, and given up
	Attempts         uint64 // requests sent
	LastError        error  // of the last attempt; nil after a success
}
