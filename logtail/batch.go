package logtail

import (
	"bytes"
	"errors"
)

// headID is how many bytes tell an entry from any other.
const headID = 160

var errNoEntries = errors.New("logtail: the buffer counts entries but shows none")

// batch is what leaves the Buffer together: its oldest entries, and how far they
// have come. The zero batch is none.
type batch struct {
	plan    plan
	entries [][]byte // of plan
	through uint64   // acknowledges them
	limit   int      // that Peek gave them for
	head    []byte   // the beginning of the first one
	refusal error    // the last one of the server
	acking  bool     // all delivered, but the Buffer failed to acknowledge it
}

// refresh looks at the entries again, which may have moved, and reports whether
// they are there still. Those that the Buffer dropped take the plan with them.
func (b *batch) refresh(buf Buffer) (bool, error) {
	n := len(b.plan.sizes)
	if n == 0 || b.plan.untouched() {
		return false, nil
	}
	entries, _, err := buf.Peek(b.limit)
	if err != nil || len(entries) < n || !bytes.HasPrefix(entries[0], b.head) {
		return false, err
	}
	b.entries = entries[:n]
	return true, nil
}

// peek makes b the oldest entries, as many as a body of limit bytes takes, but at
// least one. With behind it adds as much as a full body of what is behind them.
func (b *batch) peek(buf Buffer, limit int, behind bool) error {
	room := limit
	entries, through, err := buf.Peek(room)
	if err == nil && len(entries) > 1 && total(entries)+framing(len(entries)) > limit {
		room -= framing(len(entries))
		entries, through, err = buf.Peek(room)
	}
	if err == nil && behind {
		room = total(entries)
		// What is behind them may be larger than a full body. Past the largest int, more
		// is no longer positive.
		for n, more := len(entries), maxBody; err == nil && len(entries) == n && int64(room) < buf.Stats().Bytes && more > 0; more *= 2 {
			room += more
			entries, through, err = buf.Peek(room)
		}
	}
	if err != nil {
		return err
	}
	b.reset()
	if len(entries) == 0 {
		return errNoEntries
	}
	sizes := make([]int, len(entries))
	for i, e := range entries {
		sizes[i] = len(e) + 1
	}
	b.plan = newPlan(sizes)
	b.entries, b.through, b.limit = entries, through, room
	b.head = append(b.head, entries[0][:min(headID, len(entries[0]))]...)
	return nil
}

func total(entries [][]byte) (size int) {
	for _, e := range entries {
		size += len(e)
	}
	return size
}

// reset makes b none, and keeps its memory.
func (b *batch) reset() { *b = batch{head: b.head[:0]} }

// release gives the entries back, which are peeked at again before they are sent.
func (b *batch) release() {
	if !b.acking {
		b.entries = nil
	}
}
