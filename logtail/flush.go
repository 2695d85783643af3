package logtail

import "slices"

// waiter is a call of Flush: done is closed when target entries have left.
type waiter struct {
	target uint64
	done   chan struct{}
}

// left returns how many entries ever left the Buffer, by Ack or drop. It may be
// behind by those that writers are adding just now.
func (q *queue) left() uint64 {
	q.mu.Lock()
	added := q.start + q.appended
	q.mu.Unlock()
	return added - min(added, uint64(q.buf.Stats().Entries))
}

// releaseFlushes ends the calls of Flush whose entries have left.
func (q *queue) releaseFlushes() {
	q.mu.Lock()
	none := len(q.waiters) == 0
	q.mu.Unlock()
	if none {
		return
	}
	left := q.left()
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiters = slices.DeleteFunc(q.waiters, func(w waiter) bool {
		if w.target > left {
			return false
		}
		close(w.done)
		return true
	})
}

// flush asks for all entries up to now to leave without delay. The channel is
// closed when they have.
func (q *queue) flush() <-chan struct{} {
	w := waiter{done: make(chan struct{})}
	q.mu.Lock()
	w.target = q.start + q.appended
	q.flushTo = w.target
	q.waiters = append(q.waiters, w)
	q.mu.Unlock()
	q.releaseFlushes()
	q.notify()
	return w.done
}

// forget ends a Flush that its caller gave up.
func (q *queue) forget(done <-chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiters = slices.DeleteFunc(q.waiters, func(w waiter) bool { return w.done == done })
}
