package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/go-netlog/netlog/internal/flowtable"
	"github.com/go-netlog/netlog/logtail/receiver"
)

// How long the end may take: to answer what is under way, and to show what is left.
const (
	shutdownTimeout = 10 * time.Second
	viewTimeout     = time.Second
)

// server is one run of serve.
type server struct {
	cfg     serveConfig
	files   *receiver.Files
	handler *receiver.Handler
	access  *access
	cert    *watched[tls.Certificate] // nil: plain http
	view    *view
	health  health
	started time.Time
}

// serve runs until ctx ends.
func serve(ctx context.Context, cfg serveConfig, stdout, stderr io.Writer) error {
	s := &server{cfg: cfg, started: time.Now()}
	s.view = newView(stdout, stderr, cfg.json)
	// Without this, the end of a reader like head would be that of the program.
	pipe := make(chan os.Signal, 1)
	signal.Notify(pipe, syscall.SIGPIPE)
	defer signal.Stop(pipe)
	var err error
	if s.access, err = newAccess(cfg, s.view.say); err != nil {
		return err
	}
	s.view.denied = s.access.lastDenial
	if cfg.tlsCert != "" {
		read := func() (tls.Certificate, error) { return tls.LoadX509KeyPair(cfg.tlsCert, cfg.tlsKey) }
		if s.cert, err = watch(read, s.view.say, cfg.tlsCert, cfg.tlsKey); err != nil {
			return err
		}
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
		return fmt.Errorf("%s is used by another netlog serve", flowtable.Clean(cfg.dir))
	case err != nil:
		return err
	}
	err = s.run(ctx, listener, metrics)
	return errors.Join(err, s.files.Close())
}

// checks returns what looks whether the files have changed.
func (s *server) checks() (checks []func()) {
	if s.access.tokens != nil {
		checks = append(checks, s.access.tokens.check)
	}
	if s.access.nodes != nil {
		checks = append(checks, s.access.nodes.check)
	}
	if s.cert != nil {
		checks = append(checks, s.cert.check)
	}
	return checks
}

// run serves until ctx ends or a listener fails.
func (s *server) run(ctx context.Context, listener, metrics net.Listener) error {
	s.handler = &receiver.Handler{
		Sink:      &shownSink{s.files, s.view, &s.health, s.access},
		Authorize: s.access.authorize,
		Limits:    s.cfg.limits,
		Logf:      s.view.say,
	}
	main := newServer(http.HandlerFunc(s.serveHTTP), s.view)
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
	var follower sync.WaitGroup
	defer follower.Wait()
	follower.Go(func() { follow(ctx, s.checks()) })
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
	s.view.say("netlog serve: stopped; stored %s of %s, refused %s", flowtable.Plural(st.Stored, "entry"),
		flowtable.Plural(st.Nodes, "node"), flowtable.Plural(refused(st), "request"))
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

// announce tells what is served, and how long it is kept.
func (s *server) announce(addr net.Addr) {
	scheme := "http"
	if s.cfg.tlsCert != "" {
		scheme = "https"
	}
	s.view.headline = fmt.Sprintf("netlog serve: %s://%s, storing in %s", scheme, addr, flowtable.Clean(s.cfg.dir))
	s.view.say("%s", s.view.headline)
	age, size := "for ever", "without a bound on their size"
	if s.cfg.files.MaxAge >= 0 {
		age = "for " + ageText(cmp.Or(s.cfg.files.MaxAge, receiver.DefaultMaxAge))
	}
	if s.cfg.files.MaxBytes >= 0 {
		size = "up to " + sizeText(cmp.Or(s.cfg.files.MaxBytes, receiver.DefaultMaxBytes))
	}
	s.view.say("netlog serve: entries are kept %s, %s; the oldest go first", age, size)
	if err := s.files.Check(); err != nil {
		s.view.say("netlog serve: nothing can be stored now: %v", err)
	}
	if s.access.tokens != nil && len(s.access.tokens.get()) == 0 {
		s.view.say("netlog serve: nobody can send: there is no token in %s", s.cfg.tokens)
	}
	if isLoopback(s.cfg.addr) {
		return
	}
	if s.access.tokens == nil {
		s.view.say("netlog serve: without -tokens, everyone who reaches it can send logs")
	}
	if s.cert == nil {
		s.view.say("netlog serve: without TLS, the network can read logs, tokens and private IDs")
	}
}

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
