package logtail

import (
	"sync"
	"sync/atomic"
	"time"
)

// queue connects writers and the uploader. It numbers entries and appends them to the Buffer.
type queue struct {
	// The fields below are immutable.
	buf     Buffer
	keeper  LossKeeper // buf, or nil
	procID  uint32
	start   uint64        // entries in buf when the queue was made
	backlog bool          // there were entries, or losses to report
	wake    chan struct{} // holds a token after a change that concerns the uploader

	// order serializes Append and Ack of the Buffer, however long they take. The order in the
	// Buffer must be that of the sequence numbers, and the effect of an Ack is known only if
	// nothing is appended at the same time. Sending to order locks it. Only writers and the
	// uploader wait for it, until aborted.
	order   chan struct{}
	aborted <-chan struct{} // closed when Shutdown gives up
	seq     uint64          // guarded by order

	appending atomic.Bool // a writer is in Append

	mu       sync.Mutex // guards the fields below
	closed   bool
	writers  int       // calls of add that have not returned
	appended uint64    // entries that the Buffer accepted
	lost     losses    // entries that the Buffer refused
	since    time.Time // when the oldest entry after the batch was appended, or zero
	flushTo  uint64    // number of the last entry that must leave without delay
	waiters  []waiter
	scratch  []byte // nil while a writer uses it
}

// losses count entries and their bytes.
type losses struct{ entries, bytes uint64 }

func newQueue(buf Buffer, procID uint32, aborted <-chan struct{}) *queue {
	q := &queue{
		buf:     buf,
		procID:  procID,
		start:   uint64(buf.Stats().Entries),
		wake:    make(chan struct{}, 1),
		order:   make(chan struct{}, 1),
		aborted: aborted,
	}
	q.backlog = q.start > 0
	if k, ok := buf.(LossKeeper); ok {
		lost, _ := k.Unreported()
		q.keeper, q.backlog = k, q.backlog || lost > 0
	}
	return q
}

// enter locks order, or returns false if aborted.
func (q *queue) enter() bool {
	if q.tryEnter() {
		return true
	}
	select {
	case q.order <- struct{}{}:
		return true
	case <-q.aborted:
		return false
	}
}

func (q *queue) tryEnter() bool {
	select {
	case q.order <- struct{}{}:
		return true
	default:
		return false
	}
}

func (q *queue) leave() { <-q.order }

func (q *queue) notify() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// add appends the entry whose tail is in scratch to the Buffer.
func (q *queue) add(scratch []byte) error {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return ErrClosed
	}
	q.writers++
	q.mu.Unlock()
	defer func() {
		q.mu.Lock()
		q.writers--
		q.mu.Unlock()
		q.notify()
	}()

	size, err := q.append(scratch)
	q.mu.Lock()
	switch {
	case size == 0: // not accepted, so not lost
	case err != nil:
		q.lost.entries++
		q.lost.bytes += uint64(size)
	default:
		q.appended++
		if q.since.IsZero() {
			q.since = time.Now()
		}
	}
	q.mu.Unlock()
	q.releaseFlushes()
	return err
}

// append returns the size of the entry, or zero if Append was not called.
func (q *queue) append(scratch []byte) (size int, err error) {
	if !q.enter() {
		return 0, ErrClosed
	}
	defer q.leave()
	q.seq++ // even if the Buffer fails, so that the gap is visible
	entry := setHead(scratch, time.Now(), q.procID, q.seq)
	q.appending.Store(true)
	defer q.appending.Store(false)
	if err = q.buf.Append(entry); err != nil && q.keeper != nil {
		q.keeper.AddLosses(1, uint64(len(entry)))
	}
	return len(entry), err
}

// addReport appends the report whose tail is in scratch to the Buffer. It returns the entry and its
// position among all entries, or nil if the Buffer fails or a writer hangs in it.
func (q *queue) addReport(scratch []byte, lost losses) (entry []byte, position uint64) {
	if !q.tryEnter() {
		return nil, 0
	}
	defer q.leave()
	entry = setHead(scratch, time.Now(), q.procID, q.seq+1)
	var err error
	if q.keeper != nil {
		err = q.keeper.AppendReport(entry, lost.entries, lost.bytes)
	} else {
		err = q.buf.Append(entry)
	}
	if err != nil {
		return nil, 0
	}
	q.seq++
	q.mu.Lock()
	defer q.mu.Unlock()
	q.appended++
	return entry, q.start + q.appended
}

// ack acknowledges entries and returns how many of them were still in the Buffer. The others
// count as dropped, not as delivered.
func (q *queue) ack(through uint64) (removed int, err error) {
	if !q.enter() {
		return 0, ErrClosed
	}
	removed, err = q.ackInOrder(through)
	q.leave()
	q.releaseFlushes()
	return removed, err
}

// ackInOrder is ack with order locked.
func (q *queue) ackInOrder(through uint64) (removed int, err error) {
	before := q.buf.Stats()
	err = q.buf.Ack(through)
	after := q.buf.Stats()
	return before.Entries - after.Entries - int(after.DroppedEntries-before.DroppedEntries), err
}

// discard drops the oldest entries, at most limit bytes but at least one.
func (q *queue) discard(limit int) {
	if !q.tryEnter() {
		return
	}
	defer q.leave()
	entries, through, err := q.buf.Peek(limit)
	if err != nil {
		return
	}
	removed, err := q.ackInOrder(through)
	if err != nil {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, e := range entries[len(entries)-removed:] {
		q.lost.entries++
		q.lost.bytes += uint64(len(e))
	}
}

// close refuses entries from now on.
func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.notify()
}

// closing reports whether close was called, and how many writers that began before it have not
// returned.
func (q *queue) closing() (closed bool, writers int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.closed, q.writers
}

// urgent reports whether a Flush or Shutdown waits for the entries in the Buffer.
func (q *queue) urgent() bool {
	q.mu.Lock()
	closed, flushTo := q.closed, q.flushTo
	q.mu.Unlock()
	return closed || flushTo > q.left()
}

// oldest returns when the oldest entry after the batch was appended, or zero.
func (q *queue) oldest() time.Time {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.since
}

func (q *queue) setOldest(at time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.since = at
}

// dropped returns all losses between Write and the server, except entries that the server refused.
func (q *queue) dropped() losses {
	s := q.buf.Stats()
	q.mu.Lock()
	defer q.mu.Unlock()
	return losses{q.lost.entries + s.DroppedEntries, q.lost.bytes + s.DroppedBytes}
}
