package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"github.com/go-netlog/netlog/internal/flowtable"
	"github.com/go-netlog/netlog/logtail/receiver"
)

// Timeouts of the server. The receiver has its own for reading a body and for
// storing, both shorter than writeTimeout.
const (
	headerTimeout   = 10 * time.Second
	readTimeout     = 45 * time.Second
	writeTimeout    = 60 * time.Second
	idleTimeout     = 75 * time.Second // nodes that send once a minute keep their connection
	shutdownTimeout = 10 * time.Second
	viewTimeout     = time.Second
	maxHeaderBytes  = 16 << 10
	maxConns        = 16 << 10
)

// server is one run of serve.
type server struct {
	cfg     serveConfig
	files   *receiver.Files
	handler *receiver.Handler
	access  *access
	view    *view
	health  health
	started time.Time
}

// serve runs until ctx ends.
func serve(ctx context.Context, cfg serveConfig, stdout, stderr io.Writer) error {
	s := &server{cfg: cfg, started: time.Now()}
	s.view = newView(stdout, stderr, cfg.json)
	var err error
	if s.access, err = newAccess(cfg, s.view.say); err != nil {
		return err
	}
	listener, err := listen(cfg.addr)
	if err != nil {
		return err
	}
	defer listener.Close()
	metrics := net.Listener(nil)
	if cfg.metrics != "" {
		if metrics, err = listen(cfg.metrics); err != nil {
			return err
		}
		defer metrics.Close()
	}
	cfg.files.Logf = s.view.say
	s.files, err = receiver.OpenFiles(cfg.dir, cfg.files)
	switch {
	case errors.Is(err, receiver.ErrLocked):
		return fmt.Errorf("%s is used by another netlog serve", printable(cfg.dir))
	case err != nil:
		return err
	}
	err = s.run(ctx, listener, metrics)
	return errors.Join(err, s.files.Close())
}

// run serves until ctx ends or a listener fails.
func (s *server) run(ctx context.Context, listener, metrics net.Listener) error {
	s.handler = &receiver.Handler{
		Sink:      &shownSink{s.files, s.view, &s.health},
		Authorize: s.access.authorize,
		Limits:    s.cfg.limits,
		Logf:      s.view.say,
	}
	mux := http.NewServeMux()
	mux.Handle("/", s.handler)
	mux.HandleFunc("GET /healthz", s.health.serve)
	main := newServer(mux, s.view)
	side := newServer(http.HandlerFunc(s.serveMetrics), s.view)

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	failed := make(chan error, 2)
	go func() {
		failed <- s.serveOn(main, limitConns(listener, maxConns))
		cancel()
	}()
	if metrics != nil {
		go func() {
			failed <- side.Serve(metrics)
			cancel()
		}()
	}
	s.announce(listener.Addr())
	endView := s.startView(ctx)

	<-ctx.Done()
	// What is being stored is stored and answered; nothing new is taken.
	stop, cancelStop := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancelStop()
	err := main.Shutdown(stop)
	side.Close()
	if err != nil {
		err = errors.Join(err, main.Close())
	}
	endView()
	if e := <-failed; !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(e, err)
	}
	st := s.handler.Stats()
	s.view.say("netlog serve: stopped; stored %d entries of %d nodes", st.Stored, st.Nodes)
	return err
}

// startView shows what is stored until the function that it returns is called, which
// shows what is left. A reader that takes nothing any more cannot hold up the end.
func (s *server) startView(ctx context.Context) (end func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.view.run(ctx, s.handler.Stats, s.access.name)
	}()
	return func() {
		cancel()
		select {
		case <-done:
		case <-time.After(viewTimeout):
		}
	}
}

// newServer returns a server with all its timeouts.
func newServer(h http.Handler, v *view) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          log.New(httpErrors{v}, "", 0),
	}
}

// serveOn serves with TLS where that is configured.
func (s *server) serveOn(srv *http.Server, l net.Listener) error {
	if s.cfg.tlsCert == "" {
		return srv.Serve(l)
	}
	srv.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	return srv.ServeTLS(l, s.cfg.tlsCert, s.cfg.tlsKey)
}

// announce tells what is served, and how long it is kept.
func (s *server) announce(addr net.Addr) {
	scheme := "http"
	if s.cfg.tlsCert != "" {
		scheme = "https"
	}
	s.view.headline = fmt.Sprintf("netlog serve: %s://%s, storing in %s", scheme, addr, printable(s.cfg.dir))
	s.view.say("%s", s.view.headline)
	age, size := "for ever", "without a bound on their size"
	if s.cfg.files.MaxAge >= 0 {
		age = "for " + ageText(cmp.Or(s.cfg.files.MaxAge, receiver.DefaultMaxAge))
	}
	if s.cfg.files.MaxBytes >= 0 {
		size = "up to " + sizeText(cmp.Or(s.cfg.files.MaxBytes, receiver.DefaultMaxBytes))
	}
	s.view.say("netlog serve: entries are kept %s, %s; the oldest go first", age, size)
	if s.cfg.open && !isLoopback(s.cfg.addr) {
		s.view.say("netlog serve: open to the network: everyone who reaches it can send logs")
	}
}

// listen listens on addr, and says what is likely wrong where it is taken.
func listen(addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s is taken: another netlog serve may run already. If it is another user's, "+
			"the logs of this machine go to that user; stop it, or choose another -addr", printable(addr))
	}
	return l, err
}

// isLoopback reports whether addr can be reached from this machine only.
func isLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// httpErrors takes what the HTTP server complains about. Failed handshakes are left
// out: every scanner of the internet causes some.
type httpErrors struct{ v *view }

func (w httpErrors) Write(p []byte) (int, error) {
	if s := strings.TrimSpace(string(p)); !strings.HasPrefix(s, "http: TLS handshake error") {
		w.v.say("%s", s)
	}
	return len(p), nil
}

// printable returns s with everything escaped that does not print.
func printable(s string) string { return flowtable.Clean(s) }

// ageText returns d in days or hours.
func ageText(d time.Duration) string {
	if d%(24*time.Hour) == 0 {
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	}
	return d.String()
}

// sizeText returns n in the largest unit that keeps it readable.
func sizeText(n int64) string {
	for _, u := range []string{"B", "KiB", "MiB"} {
		if n < 10<<10 {
			return fmt.Sprintf("%d %s", n, u)
		}
		n >>= 10
	}
	return fmt.Sprintf("%d GiB", n)
}
