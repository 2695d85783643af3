package main

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"time"
)

// health knows when a batch could not be stored last.
type health struct{ failed atomic.Int64 } // Unix nanoseconds; 0: the last one could be stored

// failedFor is how long one failure counts. A proxy that sends nothing here any more
// would never see that storing works again.
const failedFor = time.Minute

func (h *health) failing() bool {
	failed := h.failed.Load()
	return failed != 0 && time.Since(time.Unix(0, failed)) < failedFor
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
