package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/go-netlog/netlog/logtail/receiver"
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

// shownSink stores in files, and shows what is stored.
type shownSink struct {
	files  *receiver.Files
	view   *view
	health *health
}

// Store implements [receiver.Sink].
func (s *shownSink) Store(ctx context.Context, b receiver.Batch) error {
	err := s.files.Store(ctx, b)
	switch {
	case err == nil:
		s.health.failed.Store(0)
		s.view.add(b.Entries)
	case !errors.Is(err, receiver.ErrCollections) && !errors.Is(err, context.Canceled): // the client's doing
		s.health.failed.Store(time.Now().UnixNano())
	}
	return err
}

// serveMetrics answers /metrics in the text format of Prometheus. There is no
// metric of a single node: those would grow with what clients send.
func (s *server) serveMetrics(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/metrics" {
		http.NotFound(w, r)
		return
	}
	st := s.handler.Stats()
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	metric := func(name, kind, help string, value any) {
		fmt.Fprintf(w, "# HELP netlog_%s %s\n# TYPE netlog_%s %s\nnetlog_%s %v\n", name, help, name, kind, name, value)
	}
	metric("requests_total", "counter", "Requests.", st.Requests)
	metric("stored_entries_total", "counter", "Entries stored.", st.Stored)
	metric("stored_bytes_total", "counter", "Bytes of entries stored, before compression.", st.StoredBytes)
	metric("repeated_entries_total", "counter", "Entries that were stored before.", st.Repeated)
	metric("conflicting_entries_total", "counter", "Entries stored beside another one of the same number.", st.Conflicts)
	metric("missing_entries_total", "counter", "Entries that never came, by gaps in their numbers.", st.Missing)
	fmt.Fprint(w, "# HELP netlog_refused_requests_total Requests not answered 200.\n# TYPE netlog_refused_requests_total counter\n")
	for _, r := range refusals(st) {
		fmt.Fprintf(w, "netlog_refused_requests_total{why=%q} %d\n", r.why, r.n)
	}
	metric("nodes", "gauge", "Nodes seen since the start.", st.Nodes)
	metric("disk_bytes", "gauge", "Bytes of all files.", s.files.Bytes())
	metric("start_time_seconds", "gauge", "When the server started, in Unix time.", s.started.Unix())
}
