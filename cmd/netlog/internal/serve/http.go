package serve

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-netlog/netlog/cmd/netlog/internal/metrics"
	"github.com/go-netlog/netlog/internal/hosts"
)

// health remembers when storing a batch failed, and when one was stored.
type health struct {
	failed atomic.Pointer[time.Time] // nil: the last one could be stored; with the monotonic clock, which cannot be set back
	last   atomic.Pointer[time.Time] // nil: none was stored
}

// failedFor is how long a failure counts. A proxy that stops sending requests because of
// it would otherwise never see that storing works again.
const failedFor = time.Minute

func (h *health) failing() bool {
	failed := h.failed.Load()
	return failed != nil && time.Since(*failed) < failedFor
}

func (h *health) stored() {
	h.failed.Store(nil)
	now := time.Now()
	h.last.Store(&now)
}

// lastStore returns when a batch was stored last, in Unix time, or 0 if there was none.
func (h *health) lastStore() float64 {
	if last := h.last.Load(); last != nil {
		return metrics.Seconds(*last)
	}
	return 0
}

func (h *health) fail() {
	now := time.Now()
	h.failed.Store(&now)
}

// serveHealth answers /healthz.
func (s *server) serveHealth(w http.ResponseWriter) {
	switch {
	case s.files.Check() != nil:
		http.Error(w, "nothing can be stored", http.StatusServiceUnavailable)
	case s.health.failing():
		http.Error(w, "the last batch could not be stored", http.StatusServiceUnavailable)
	default:
		fmt.Fprintln(w, "ok")
	}
}

// Timeouts of the server. The receiver has its own for reading a body and for
// storing, both shorter than writeTimeout.
const (
	headerTimeout  = 10 * time.Second
	readTimeout    = 45 * time.Second
	writeTimeout   = 60 * time.Second
	idleTimeout    = 75 * time.Second // nodes that send every minute keep their connection; see keepAccepted
	maxHeaderBytes = 16 << 10
)

// serveHTTP handles all requests. It is not a ServeMux, which redirects unclean paths:
// nodes do not follow redirects, and the answer would repeat the private ID.
func (s *server) serveHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/healthz" && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		s.serveHealth(w)
		return
	}
	s.handler.ServeHTTP(w, r)
}

// newServer returns an HTTP server with its timeouts.
func newServer(h http.Handler, v *view) *http.Server {
	// HTTP/2 has nothing for nodes, and would let a connection hold many requests.
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          log.New(httpErrors{v}, "", 0),
		Protocols:         protocols,
		ConnContext:       withConn,
	}
}

// serveOn serves l, with TLS if it is configured.
func (s *server) serveOn(srv *http.Server, l net.Listener) error {
	if s.cert == nil {
		return srv.Serve(l)
	}
	srv.TLSConfig = &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			cert := s.cert.get()
			return &cert, nil
		},
	}
	return srv.ServeTLS(l, "", "")
}

// listen listens on the address of a flag. If the address is taken, the error says what
// to do.
func listen(flag, addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	switch {
	case err == nil:
		return l, nil
	case !errors.Is(err, errTaken):
		return nil, fmt.Errorf("-%s: %w", flag, err)
	case flag == "addr":
		return nil, fmt.Errorf("%s is taken: another netlog serve may run already. If it is another user's, "+
			"the logs of this machine go to that user; stop it, or choose another -addr", addr)
	}
	return nil, fmt.Errorf("-%s %s is taken: choose another one", flag, addr)
}

// isLoopback reports whether only this machine can reach addr.
func isLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	return err == nil && hosts.IsLocal(host)
}

// httpErrors prints the errors of the HTTP server, except failed handshakes: every
// scanner of the internet causes some.
type httpErrors struct{ v *view }

func (w httpErrors) Write(p []byte) (int, error) {
	if s := strings.TrimSpace(string(p)); !strings.HasPrefix(s, "http: TLS handshake error") {
		w.v.say("%s", s)
	}
	return len(p), nil
}

// serveMetrics answers /metrics in the text format of Prometheus. There are no metrics of
// single nodes, because clients could create any number of them. It listens on loopback
// only, and refuses web pages whose name was changed to mean this machine (DNS rebinding)
// by their Host header.
func (s *server) serveMetrics(w http.ResponseWriter, r *http.Request) {
	if !hosts.IsLocalHeader(r.Host) {
		http.Error(w, "ask for localhost or its address", http.StatusForbidden)
		return
	}
	if r.URL.Path != "/metrics" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", metrics.ContentType)
	w.Write(s.metrics())
}

// metrics returns all metrics. docs/receiver.md lists them.
func (s *server) metrics() []byte {
	var t metrics.Text
	st := s.handler.Stats()
	t.Counter("netlog_requests_total", "Requests.", float64(st.Requests))
	t.Counter("netlog_stored_entries_total", "Entries stored.", float64(st.Stored))
	t.Counter("netlog_stored_bytes_total", "Bytes of entries stored, before compression.", float64(st.StoredBytes))
	t.Counter("netlog_repeated_entries_total", "Entries that were stored before.", float64(st.Repeated))
	t.Counter("netlog_conflicting_entries_total", "Entries stored beside another one of the same number.", float64(st.Conflicts))
	t.Counter("netlog_missing_entries_total", "Entries that never came, by gaps in their numbers.", float64(st.Missing))
	for _, r := range refusals(st) {
		t.Counter("netlog_refused_requests_total", "Requests not answered 200.", float64(r.n), "why", r.why)
	}
	t.Gauge("netlog_last_store_timestamp_seconds", "When the last batch was stored, in Unix time; 0 before the first.", s.health.lastStore())
	t.Gauge("netlog_nodes", "Nodes remembered of those seen since the start, 65,536 at most.", float64(st.Nodes))
	t.Gauge("netlog_disk_bytes", "Bytes of all files.", float64(s.files.Bytes()))
	t.Process(s.started)
	return t.Bytes()
}
