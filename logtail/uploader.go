package logtail

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	startSpread = 10 * time.Second // a backlog at start waits up to this, so that a fleet does not return as one
	linger      = 10 * time.Second // after the last request: then memory and connection are given back
	growAfter   = 16               // successes after which a size that the server refused is tried again
	minLimit    = 512              // bytes
	headID      = 160              // bytes that tell an entry from any other
)

var errNoEntries = errors.New("logtail: the buffer counts entries but shows none")

// uploader takes entries from the queue to the server, one request at a time.
//
// run is its only goroutine. NewLogger starts it; it ends when the queue is
// closed and empty, or when abort is called. Its timer runs only while there
// are entries, and for a moment after the last request.
type uploader struct {
	// immutable
	q          *queue
	sender     *sender // holds the secrets
	format     Format
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
	plan      plan
	batch     [][]byte // of plan
	through   uint64   // the token of batch
	peeked    int      // the max that Peek gave batch for
	head      []byte   // the beginning of batch
	acking    bool     // batch is delivered, but the Buffer failed to acknowledge it
	limit     int      // bytes of a body
	successes int      // since limit changed
	smallest  int      // bytes of the smallest body the server took; 0: none
	failures  int      // since the last success
	stuck     bool     // the last batch ended with nothing accepted
	more      bool     // the Buffer held more than batch
	faults    faults
	reporter  reporter
	lingerEnd time.Time // when to give memory back; zero: there is none

	mu     sync.Mutex // guards the fields below
	counts Stats      // DeliveredEntries, RefusedEntries, Attempts, LastError
	oldest time.Time  // when the first entry of batch was written; zero: not known
}

func (u *uploader) run() {
	defer u.end()
	if u.q.start > 0 {
		u.await(time.Now().Add(rand.N(startSpread)), u.q.urgent)
	}
	for {
		u.await(time.Time{}, u.hasWork)
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
	if u.keep && u.q.buf.Stats().Entries > 0 {
		u.reporter.bequeath(u.q)
	}
	u.giveBack()
	u.release()
	close(u.done)
}

// await waits until ready, woken by the queue, or until the deadline, if there
// is one, or for the end of ctx.
func (u *uploader) await(deadline time.Time, ready func() bool) {
	for u.ctx.Err() == nil && !ready() {
		now := time.Now()
		if !u.lingerEnd.IsZero() && !now.Before(u.lingerEnd) {
			u.giveBack()
		}
		if !deadline.IsZero() && !now.Before(deadline) {
			return
		}
		var expired <-chan time.Time
		stop := func() bool { return true }
		if next := earlier(deadline, u.lingerEnd); !next.IsZero() {
			timer := time.NewTimer(next.Sub(now))
			expired, stop = timer.C, timer.Stop
		}
		select {
		case <-u.ctx.Done():
		case <-u.q.wake:
		case <-expired:
		}
		stop()
	}
}

// earlier returns the earlier of two times that are not zero.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// giveBack returns to the few bytes of a Logger that has nothing to do.
func (u *uploader) giveBack() {
	u.packer.release()
	u.q.releaseScratch()
	u.sender.closeIdle()
	u.lingerEnd = time.Time{}
	u.batch, u.head = nil, nil
}

func (u *uploader) hasWork() bool {
	return u.q.buf.Stats().Entries > 0 || u.reporter.due(u.q) || u.drained()
}

// drained reports whether the queue is closed and nothing is left of it.
func (u *uploader) drained() bool {
	closed, writers := u.q.closing()
	return closed && writers == 0 && u.q.buf.Stats().Entries == 0 &&
		!u.reporter.due(u.q)
}

// coalesce lets entries wait for others, as long as FlushDelay says, unless a
// backlog is being sent.
func (u *uploader) coalesce() {
	since := u.q.oldest()
	if u.flushDelay == 0 || u.more || u.failures > 0 || since.IsZero() {
		return
	}
	u.await(since.Add(u.flushDelay), func() bool {
		return u.q.buf.Stats().Bytes >= int64(u.limit) || u.q.urgent()
	})
}

// step makes one request at most, and pauses as its answer demands.
func (u *uploader) step() {
	if u.failures == 0 && u.reporter.due(u.q) {
		u.reporter.tell(u.q)
	}
	if u.acking {
		u.settle()
		return
	}
	if err := u.peek(); err != nil {
		u.failed(unavailable, answer{err: err})
		return
	}
	next, _ := u.plan.next() // a plan at its end was settled
	body, size, compressed, err := u.packer.pack(u.batch[next.from:next.to], u.format, u.compress)
	if err != nil {
		u.failed(unavailable, answer{err: err})
		return
	}
	u.lingerEnd = time.Time{}
	u.mu.Lock()
	u.counts.Attempts++
	u.mu.Unlock()
	a := u.sender.send(u.ctx, body, size, compressed)
	u.lingerEnd = time.Now().Add(linger)
	if a.inUse {
		u.packer.abandon()
	}
	if u.ctx.Err() != nil && a.status == 0 {
		return
	}
	u.handle(a, next, size, compressed)
}

// peek brings batch up to date, and makes a plan for it where there is none.
func (u *uploader) peek() error {
	if u.plan.n > 0 && !u.plan.untouched() {
		// Entries that the Buffer dropped meanwhile take the plan with them.
		entries, _, err := u.q.buf.Peek(u.peeked)
		if err != nil {
			return err
		}
		if len(entries) >= u.plan.n && bytes.HasPrefix(entries[0], u.head) {
			u.batch = entries[:u.plan.n]
			return nil
		}
	}
	u.q.resetOldest()
	held := u.q.buf.Stats().Entries
	limit := u.limit
	entries, through, err := u.q.buf.Peek(limit)
	if err == nil && len(entries) > 1 && total(entries)+framing(len(entries)) > u.limit {
		limit -= framing(len(entries))
		entries, through, err = u.q.buf.Peek(limit)
	}
	if err == nil && u.stuck && len(entries) == 1 {
		// Look behind an entry that may be at fault for one that is not.
		limit += len(entries[0])
		entries, through, err = u.q.buf.Peek(limit)
	}
	if err != nil {
		return err
	}
	if len(entries) == 0 {
		u.plan = plan{}
		return errNoEntries
	}
	sizes := make([]int, len(entries))
	for i, e := range entries {
		sizes[i] = len(e) + 1
	}
	u.plan = newPlan(sizes, u.limit-1)
	u.batch, u.through, u.peeked = entries, through, limit
	u.head = append(u.head[:0], entries[0][:min(headID, len(entries[0]))]...)
	u.more = held > len(entries)
	at, _ := clientTime(entries[0])
	u.mu.Lock()
	u.oldest = at
	u.mu.Unlock()
	return nil
}

func total(entries [][]byte) (size int) {
	for _, e := range entries {
		size += len(e)
	}
	return size
}

// handle does what the answer to the span next asks for.
func (u *uploader) handle(a answer, next span, size int, compressed bool) {
	v := judge(a.status, compressed)
	switch v {
	case accepted:
		u.succeeded(size)
		u.plan.accept()
		if _, ok := u.plan.next(); !ok {
			u.settle()
		}
		return
	case unavailable, misconfigured:
		u.failed(v, a)
		return
	case uncompressed:
		u.compress = false
	case unacceptable:
		u.plan.refuse()
	case tooLarge:
		u.limit, u.successes = max(minLimit, min(u.limit, size/2)), 0
		if next.len() == 1 && u.smallest > 0 && u.smallest < size {
			u.plan.giveUp()
		} else {
			u.plan.shrink()
		}
	}
	u.setLastError(a.err)
	if _, ok := u.plan.next(); !ok {
		if _, ok := u.plan.end(); ok {
			u.settle()
			return
		}
		u.plan, u.stuck = plan{}, true
		u.failed(misconfigured, a)
		return
	}
	if u.plan.slow {
		u.failed(misconfigured, a)
	} else if a.asked > 0 {
		u.pause(delay(v, a.status, u.failures, a.asked, rand.Float64()), true)
	}
}

// settle acknowledges batch, whose plan is at its end.
func (u *uploader) settle() {
	refused, _ := u.plan.end()
	removed, err := u.q.ack(u.through)
	u.acking = err != nil
	if err != nil {
		u.failed(unavailable, answer{err: err})
		return
	}
	gone := 0 // entries of refused that the Buffer did not drop itself
	for _, i := range refused {
		if i >= u.plan.n-removed {
			gone++
		}
	}
	u.mu.Lock()
	u.counts.DeliveredEntries += uint64(removed - gone)
	u.counts.RefusedEntries += uint64(gone)
	u.oldest = time.Time{}
	u.mu.Unlock()
	u.reporter.settled(u.batch, u.q.left())
	if gone > 0 && u.faults.note(refusedText) {
		u.log("logtail: " + refusedText)
	}
	u.plan, u.batch, u.stuck = plan{}, nil, false
}

const refusedText = "the server refuses some entries one by one; they are dropped and counted"

func (u *uploader) succeeded(size int) {
	if u.smallest == 0 || size < u.smallest {
		u.smallest = size
	}
	if u.successes++; u.successes >= growAfter && u.limit < maxBody {
		u.limit, u.successes = min(2*u.limit, maxBody), 0
	}
	u.failures = 0
	u.setLastError(nil)
	if d, tell := u.faults.success(time.Now()); tell {
		u.log(fmt.Sprintf("logtail: uploading again after %v", d.Round(time.Second)))
	}
}

// failed notes a failure that the next attempt has to wait for, and waits.
func (u *uploader) failed(v verdict, a answer) {
	if u.ctx.Err() != nil {
		return
	}
	u.setLastError(a.err)
	text := "cannot upload"
	if v == misconfigured {
		text = "the server or the settings are at fault, entries are kept"
	}
	text = fmt.Sprintf("logtail: %s: %v", text, a.err)
	if u.faults.fault(time.Now(), text) {
		u.log(text)
	}
	d := delay(v, a.status, u.failures, a.asked, rand.Float64())
	u.failures++
	u.pause(d, a.asked > 0)
}

// pause waits for d. Shutdown cuts a pause that begins before it, but not one
// that the server asked for.
func (u *uploader) pause(d time.Duration, asked bool) {
	closed, _ := u.q.closing()
	u.await(time.Now().Add(d), func() bool {
		now, _ := u.q.closing()
		return now && !closed && !asked
	})
}

func (u *uploader) setLastError(err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.counts.LastError = err
}

// log calls logf, but not when Shutdown may have returned.
func (u *uploader) log(text string) {
	if u.ctx.Err() == nil {
		u.logf("%s", text)
	}
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
