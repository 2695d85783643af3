package receiver

import (
	"net/http"
	"sync/atomic"
)

// Stats counts what a Handler has done since its first request.
type Stats struct {
	Requests uint64 // all requests

	Stored      uint64 // entries stored
	StoredBytes uint64 // their bytes as passed to the Sink, with a line break each
	Repeated    uint64 // entries not stored again
	Conflicts   uint64 // entries stored although another one has the same number
	Missing     uint64 // numbers skipped in proc_seq, of entries that did not arrive

	Malformed   uint64 // requests answered 400
	TooLarge    uint64 // 413
	Forbidden   uint64 // 401 and 403
	OverQuota   uint64 // 429
	Unavailable uint64 // 503
	OtherErrors uint64 // 404, 405, 408 and 415

	Nodes int // number of remembered IDs
}

// counters holds the atomic counters behind Stats.
type counters struct {
	requests, stored, storedBytes, repeated, conflicts, missing      atomic.Uint64
	malformed, tooLarge, forbidden, overQuota, unavailable, otherErr atomic.Uint64
}

// refused counts a refused request by the code of its answer.
func (c *counters) refused(code int) {
	switch code {
	case http.StatusBadRequest:
		c.malformed.Add(1)
	case http.StatusRequestEntityTooLarge:
		c.tooLarge.Add(1)
	case http.StatusUnauthorized, http.StatusForbidden:
		c.forbidden.Add(1)
	case http.StatusTooManyRequests:
		c.overQuota.Add(1)
	case http.StatusServiceUnavailable:
		c.unavailable.Add(1)
	default:
		c.otherErr.Add(1)
	}
}

// stats returns the counters.
func (c *core) stats() Stats {
	n := &c.count
	return Stats{
		Requests: n.requests.Load(),
		Stored:   n.stored.Load(), StoredBytes: n.storedBytes.Load(),
		Repeated: n.repeated.Load(), Conflicts: n.conflicts.Load(), Missing: n.missing.Load(),
		Malformed: n.malformed.Load(), TooLarge: n.tooLarge.Load(), Forbidden: n.forbidden.Load(),
		OverQuota: n.overQuota.Load(), Unavailable: n.unavailable.Load(), OtherErrors: n.otherErr.Load(),
		Nodes: c.nodes.len(),
	}
}
