package main

import (
	"fmt"
	"net/http"
)

// serveMetrics answers /metrics in the text format of Prometheus. There is no
// metric of a single node: those would grow with what clients send. It listens on
// loopback only; a web page whose name has come to mean this machine (DNS rebinding)
// gets there, but with its own name in Host.
func (s *server) serveMetrics(w http.ResponseWriter, r *http.Request) {
	if !namesLoopback(r.Host) {
		http.Error(w, "ask for localhost or its address", http.StatusForbidden)
		return
	}
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
	metric("nodes", "gauge", "Nodes remembered of those seen since the start, 65,536 at most.", st.Nodes)
	metric("disk_bytes", "gauge", "Bytes of all files.", s.files.Bytes())
	metric("start_time_seconds", "gauge", "When the server started, in Unix time.", s.started.Unix())
}
