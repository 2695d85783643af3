package logtail

import (
	"fmt"
	"math/rand/v2"
	"time"
)

const refusedText = "the server refuses some entries one by one; they are dropped and counted"

// nextBatch refreshes batch, or makes a new one.
func (u *uploader) nextBatch() error {
	if current, err := u.batch.refresh(u.q.buf); current || err != nil {
		return err
	}
	u.q.setOldest(time.Time{})
	held := u.q.buf.Stats().Entries
	// If an entry may be at fault, include later ones that the server may accept.
	if err := u.batch.peek(u.q.buf, u.size.limit, u.stuck > 0); err != nil {
		return err
	}
	entries := u.batch.entries
	if held > len(entries) {
		// The entries after the batch were written no earlier than its last one.
		u.q.setOldest(writtenAt(entries[len(entries)-1]))
	}
	at, _ := clientTime(entries[0])
	u.mu.Lock()
	u.oldest = at
	u.mu.Unlock()
	return nil
}

// writtenAt returns when entry was written, as a time with a monotonic reading. It returns the
// zero time if the entry has no time.
func writtenAt(entry []byte) time.Time {
	at, ok := clientTime(entry)
	if !ok {
		return time.Time{}
	}
	now := time.Now()
	return now.Add(-max(0, now.Sub(at)))
}

// acknowledge removes batch, whose plan is done, from the Buffer.
func (u *uploader) acknowledge() {
	refused, _ := u.batch.plan.end(u.size.mayBeTooLarge)
	removed, err := u.q.ack(u.batch.through)
	// Entries that are gone count as delivered, even if the Buffer failed to record it.
	u.batch.acking = err != nil && removed == 0
	if u.batch.acking {
		u.failed(unavailable, answer{err: err})
		return
	}
	if err != nil {
		u.logOnce(err.Error())
	}
	gone := 0 // refused entries that the Buffer did not drop before
	for _, i := range refused {
		if i >= len(u.batch.plan.sizes)-removed {
			gone++
		}
	}
	u.mu.Lock()
	u.counts.DeliveredEntries += uint64(removed - gone)
	u.counts.RefusedEntries += uint64(gone)
	u.oldest = time.Time{}
	u.mu.Unlock()
	u.reporter.acknowledged(u.batch.entries, u.q.left())
	if gone > 0 {
		u.logOnce(refusedText)
	}
	u.batch.reset()
	u.stuck = 0
}

// handle handles the answer to the last span, which was sent in a body of size bytes.
func (u *uploader) handle(a answer, size int, compressed bool) {
	v := judge(a.status, compressed)
	switch v {
	case accepted:
		u.succeeded(size)
		u.batch.plan.accept()
		if u.batch.plan.done() {
			u.conclude(answer{err: u.batch.refusal})
		}
		return
	case unavailable, misconfigured:
		u.failed(v, a)
		return
	case uncompressed:
		u.compress = false
	case unacceptable:
		u.batch.plan.refuse()
	case tooLarge:
		u.size.tooLarge(size)
		u.batch.plan.shrink(size)
	}
	u.batch.refusal = a.err
	u.setLastError(a.err)
	switch {
	case u.batch.plan.done():
		u.conclude(a)
	case u.batch.plan.slow:
		u.failed(misconfigured, a)
	case a.asked > 0:
		u.pauseAsAsked(a)
	}
}

// conclude acknowledges a batch whose plan is done, or keeps it and waits. a is the last answer,
// or the last refusal of a part of the batch.
func (u *uploader) conclude(a answer) {
	if _, ok := u.batch.plan.end(u.size.mayBeTooLarge); !ok {
		u.batch.reset()
		u.failures = max(u.failures, u.stuck) // a part of the batch may have been accepted, which resets failures
		u.stuck++
		u.failed(misconfigured, a)
		return
	}
	accepted := u.batch.plan.accepted
	u.acknowledge()
	switch {
	case !accepted:
		// A server that refuses every body as too large must not empty the Buffer at once.
		u.backOff(misconfigured, a)
	case a.asked > 0:
		u.pauseAsAsked(a)
	}
}

func (u *uploader) succeeded(size int) {
	u.size.accepted(size)
	u.failures = 0
	u.setLastError(nil)
	if d, logged := u.faults.Success(time.Now()); logged {
		u.log(fmt.Sprintf("logtail: uploading again after %v", d.Round(time.Second)))
	}
}

// failed records a failure and waits before the next attempt.
func (u *uploader) failed(v verdict, a answer) {
	if u.ctx.Err() != nil {
		return
	}
	u.setLastError(a.err)
	text := "cannot upload to " + u.sender.origin()
	if v == misconfigured {
		text += ", the server or the settings are at fault, entries are kept"
	}
	text = fmt.Sprintf("logtail: %s: %v", text, a.err)
	if u.faults.Fault(time.Now(), a.status, text) {
		u.log(text)
	}
	u.backOff(v, a)
}

// backOff pauses, longer each time until the next success.
func (u *uploader) backOff(v verdict, a answer) {
	d := delay(v, a.status, u.failures, a.asked, rand.Float64())
	u.failures++
	u.pause(d, a.asked > 0)
}

// pauseAsAsked pauses for the Retry-After of an answer that is not a failure of the upload.
func (u *uploader) pauseAsAsked(a answer) {
	u.pause(delay(unacceptable, a.status, u.failures, a.asked, rand.Float64()), true)
}

// pause waits for d. A Shutdown that begins during the pause ends it, unless the server asked
// for the pause.
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

// logOnce logs a text that does not belong to an outage, unless it was logged before.
func (u *uploader) logOnce(text string) {
	if u.faults.Note(time.Now(), text) {
		u.log("logtail: " + text)
	}
}

// log calls logf, unless Shutdown may have returned.
func (u *uploader) log(text string) {
	if u.ctx.Err() == nil {
		u.logf("%s", text)
	}
}
