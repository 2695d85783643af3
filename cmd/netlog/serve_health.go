package main

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"time"
)

// health knows when a batch could not be stored last. It keeps the time as it was
// taken, for its monotonic clock: nobody sets that back.
type health struct{ failed atomic.Pointer[time.Time] } // nil: the last one could be stored

// failedFor is how long one failure counts. A proxy that sends nothing here any more
// would never see that storing works again.
const failedFor = time.Minute

func (h *health) failing() bool {
	failed := h.failed.Load()
	return failed != nil && time.Since(*failed) < failedFor
}

func (h *health) stored() { h.failed.Store(nil) }

func (h *health) fail() {
	now := time.Now()
	h.failed.Store(&now)
}

// serveHealth answers /healthz.
func (s *server) serveHealth(w http.ResponseWriter, r *http.Request) {
	switch {
	case s.files.Check() != nil:
		http.Error(w, "nothing can be stored", http.StatusServiceUnavailable)
	case s.health.failing():
		http.Error(w, "the last batch could not be stored", http.StatusServiceUnavailable)
	default:
		fmt.Fprintln(w, "ok")
	}
}
