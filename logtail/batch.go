package logtail

import (
	"bytes"
	"errors"
	"time"
)

const refusedText = "the server refuses some entries one by one; they are dropped and counted"

var errNoEntries = errors.New("logtail: the buffer counts entries but shows none")

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
	u.q.setOldest(time.Time{})
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
	if held > len(entries) {
		// Those behind the batch were written no earlier than its last one.
		u.q.setOldest(writtenAt(entries[len(entries)-1]))
	}
	at, _ := clientTime(entries[0])
	u.mu.Lock()
	u.oldest = at
	u.mu.Unlock()
	return nil
}

// writtenAt returns when entry was written, on the clock that no step of the wall
// clock moves, or zero where it does not say.
func writtenAt(entry []byte) time.Time {
	at, ok := clientTime(entry)
	if !ok {
		return time.Time{}
	}
	now := time.Now()
	return now.Add(-max(0, now.Sub(at)))
}

func total(entries [][]byte) (size int) {
	for _, e := range entries {
		size += len(e)
	}
	return size
}

// acknowledge takes batch, whose plan is at its end, out of the Buffer.
func (u *uploader) acknowledge() {
	refused, _ := u.plan.end()
	removed, err := u.q.ack(u.through)
	// Entries that are gone are delivered, even where the Buffer could not record it.
	u.acking = err != nil && removed == 0
	if u.acking {
		u.failed(unavailable, answer{err: err})
		return
	}
	if err != nil {
		u.remark(err.Error())
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
	u.reporter.acknowledged(u.batch, u.q.left())
	if gone > 0 {
		u.remark(refusedText)
	}
	u.plan, u.batch, u.stuck = plan{}, nil, false
}
