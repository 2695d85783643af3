package logtail

import "time"

const refusedText = "the server refuses some entries one by one; they are dropped and counted"

// nextBatch brings batch up to date, or makes a new one.
func (u *uploader) nextBatch() error {
	if current, err := u.batch.refresh(u.q.buf); current || err != nil {
		return err
	}
	u.q.setOldest(time.Time{})
	held := u.q.buf.Stats().Entries
	// Where an entry may be at fault, look behind it for one that is not.
	if err := u.batch.peek(u.q.buf, u.size.limit, u.stuck > 0); err != nil {
		return err
	}
	entries := u.batch.entries
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

// acknowledge takes batch, whose plan is at its end, out of the Buffer.
func (u *uploader) acknowledge() {
	refused, _ := u.batch.plan.end(u.size.blames)
	removed, err := u.q.ack(u.batch.through)
	// Entries that are gone are delivered, even where the Buffer could not record it.
	u.batch.acking = err != nil && removed == 0
	if u.batch.acking {
		u.failed(unavailable, answer{err: err})
		return
	}
	if err != nil {
		u.remark(err.Error())
	}
	gone := 0 // entries of refused that the Buffer did not drop itself
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
		u.remark(refusedText)
	}
	u.batch.reset()
	u.stuck = 0
}
