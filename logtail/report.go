package logtail

import (
	"bytes"
	"time"
)

// reportRetry is the pause after the Buffer did not take a report.
const reportRetry = time.Minute

// maxReport is more than a report takes in any Buffer.
const maxReport = 1 << 10 // bytes

// reporter tells in the stream what was dropped, by entries of its own. They
// take the way of all entries, through the Buffer: so they stay in order, go out
// again with a batch that failed, and do not depend on a later Write.
//
// One report is on its way at a time. What it covers counts as told only when
// the server has it; a report that is itself dropped is made anew.
type reporter struct {
	told     losses // in reports that were delivered
	entry    []byte // the report on its way, or nil
	covers   losses // told, once it is delivered
	position uint64 // how many entries have left the Buffer when it has
	retry    time.Time
}

// untold reports whether there are losses that no report tells.
func (r *reporter) untold(q *queue) bool { return r.entry == nil && q.dropped() != r.told }

// hasRoom reports whether a report fits in the Buffer without pushing out an
// entry, which would be a loss to report.
func hasRoom(buf Buffer) bool {
	s := buf.Stats()
	return s.Entries == 0 || s.Bytes+maxReport <= s.MaxBytes
}

// due reports whether it is time to tell.
func (r *reporter) due(q *queue) bool {
	return r.untold(q) && hasRoom(q.buf) && !time.Now().Before(r.retry)
}

// retryAt returns when to try a report again that the Buffer did not take, or zero.
func (r *reporter) retryAt(q *queue) time.Time {
	if !r.untold(q) {
		return time.Time{}
	}
	return r.retry
}

// tell puts a report into the Buffer.
func (r *reporter) tell(q *queue) {
	total := q.dropped()
	tail := appendLossTail(appendRoom(nil), total.entries-r.told.entries, total.bytes-r.told.bytes)
	r.entry, r.position = q.addReport(tail)
	r.covers, r.retry = total, time.Time{}
	if r.entry == nil { // the Buffer did not take it
		r.retry = time.Now().Add(reportRetry)
	}
}

// saveReport appends the report to the Buffer, so that the next Logger sends it. It drops
// older entries if the Buffer has no room.
func (r *reporter) saveReport(q *queue) {
	if !r.untold(q) {
		return
	}
	if !hasRoom(q.buf) {
		q.discard(maxReport)
	}
	r.tell(q)
}

// acknowledged notes that the entries were acknowledged, and that left entries have
// left the Buffer in all.
func (r *reporter) acknowledged(entries [][]byte, left uint64) {
	if r.entry == nil {
		return
	}
	for _, e := range entries {
		if bytes.Equal(e, r.entry) {
			// Also when the server refused it: it would refuse the next one too.
			r.told, r.entry = r.covers, nil
			return
		}
	}
	if left >= r.position {
		r.entry = nil // dropped
	}
}
