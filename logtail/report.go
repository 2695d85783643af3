package logtail

import (
	"bytes"
	"time"
)

// reportRetry is the pause after the Buffer refused a report.
const reportRetry = time.Minute

// maxReport is an upper bound of the size of a report in any Buffer.
const maxReport = 1 << 10 // bytes

// reporter reports dropped entries in the stream, as entries of its own. Reports go through the
// Buffer like other entries, so they stay in order, are sent again with a failed batch, and do
// not depend on a later Write.
//
// Only one report is queued at a time. The losses in it count as reported when the server has
// accepted it. If the report itself is dropped, a new one replaces it.
//
// If the Buffer is a LossKeeper, it knows what is reported, and only retry is used.
type reporter struct {
	reported losses    // in delivered reports
	entry    []byte    // the queued report, or nil
	covers   losses    // the value of reported after its delivery
	position uint64    // how many entries have left the Buffer once the report has
	retry    time.Time // when to try again after the Buffer refused a report, if nothing is delivered before
}

// unreported returns the losses to report now: none while a report is queued.
func (r *reporter) unreported(q *queue) losses {
	if q.keeper != nil {
		entries, bytes := q.keeper.Unreported()
		return losses{entries, bytes}
	}
	if r.entry != nil {
		return losses{}
	}
	total := q.dropped()
	return losses{total.entries - r.reported.entries, total.bytes - r.reported.bytes}
}

func (r *reporter) needed(q *queue) bool { return r.unreported(q) != losses{} }

// hasRoom reports whether a report fits into the Buffer without dropping an entry, which would
// be another loss to report.
func hasRoom(buf Buffer) bool {
	s := buf.Stats()
	return s.Entries == 0 || s.Bytes+maxReport <= s.MaxBytes
}

// due reports whether to queue a report now.
func (r *reporter) due(q *queue) bool {
	return r.needed(q) && hasRoom(q.buf) && !time.Now().Before(r.retry)
}

// retryAt returns when to try again to queue a report, or the zero time.
func (r *reporter) retryAt(q *queue) time.Time {
	if !r.needed(q) {
		return time.Time{}
	}
	return r.retry
}

// queue queues a report.
func (r *reporter) queue(q *queue) {
	lost := r.unreported(q)
	entry, position := q.addReport(appendLossTail(appendRoom(nil), lost.entries, lost.bytes), lost)
	r.retry = time.Time{}
	switch {
	case entry == nil: // the Buffer refused it
		r.retry = time.Now().Add(reportRetry)
	case q.keeper == nil:
		r.entry, r.position = entry, position
		r.covers = losses{r.reported.entries + lost.entries, r.reported.bytes + lost.bytes}
	}
}

// saveReport appends the report to the Buffer, so that the next Logger sends it. It drops
// older entries if the Buffer has no room. A LossKeeper does not need it.
func (r *reporter) saveReport(q *queue) {
	if q.keeper != nil || !r.needed(q) {
		return
	}
	if !hasRoom(q.buf) {
		q.discard(maxReport)
	}
	r.queue(q)
}

// acknowledged checks whether the queued report is among the acknowledged entries. left is the
// number of entries that have ever left the Buffer. If the Buffer has refused a report, it may have
// room for it now.
func (r *reporter) acknowledged(entries [][]byte, left uint64) {
	r.retry = time.Time{}
	if r.entry == nil {
		return
	}
	for _, e := range entries {
		if bytes.Equal(e, r.entry) {
			// The server may have refused it. It would refuse another report too.
			r.reported, r.entry = r.covers, nil
			return
		}
	}
	if left >= r.position {
		r.entry = nil // dropped
	}
}
