package logtail

const maxScratch = 512 << 10 // bytes that are kept for the next entry

// takeScratch returns memory to encode an entry in, with room for its head.
func (q *queue) takeScratch() []byte {
	q.mu.Lock()
	scratch := q.scratch
	q.scratch = nil
	q.mu.Unlock()
	return appendRoom(scratch)
}

// putScratch keeps scratch for the next takeScratch, unless it is too large.
func (q *queue) putScratch(scratch []byte) {
	if cap(scratch) > maxScratch {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if cap(scratch) > cap(q.scratch) {
		q.scratch = scratch[:0]
	}
}

// releaseScratch frees the scratch memory.
func (q *queue) releaseScratch() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.scratch = nil
}
