package serve

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/go-netlog/netlog/internal/osfile"
	"github.com/go-netlog/netlog/logtail/receiver"
	"github.com/go-netlog/netlog/logtail/receiver/filestore"
	"github.com/go-netlog/netlog/logtail/receiver/page"
)

// server is one run of serve.
type server struct {
	cfg     config
	files   *filestore.Store
	handler *receiver.Handler
	access  *access
	cert    *watched[tls.Certificate] // nil: plain http
	view    *view
	page    *page.Page // nil: none
	health  health
	started time.Time
}

// readFiles reads the token, node and certificate files.
func (s *server) readFiles() (err error) {
	if s.access, err = newAccess(s.cfg, s.view.say); err != nil {
		return err
	}
	s.view.denied = s.access.lastDenial
	if s.cfg.tlsCert == "" {
		return nil
	}
	parse := func(files [][]byte) (tls.Certificate, error) {
		cert, err := tls.X509KeyPair(files[0], files[1])
		if err != nil {
			err = fmt.Errorf("%s and %s: %w", s.cfg.tlsCert, s.cfg.tlsKey, err)
		}
		return cert, err
	}
	if s.cert, err = watch(parse, s.view.say, s.cfg.tlsCert, s.cfg.tlsKey); err != nil {
		return fmt.Errorf("-tls-cert, -tls-key: %w", err)
	}
	return nil
}

// checks returns the functions that read changed files again.
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

// signalPause is the time after the first signal in which further ones are ignored. A
// supervisor may send one to a process that has had that of the terminal.
const signalPause = time.Second

// serve runs until ctx ends or a signal arrives. A second signal after signalPause ends the
// program at once.
func (s *server) serve(ctx context.Context) error {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // as under nohup
		signals = append(signals, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(ctx, signals...)
	forget := context.AfterFunc(ctx, func() { time.AfterFunc(signalPause, stop) })
	defer func() {
		if forget() { // ctx has not ended
			stop()
		}
	}()
	// Without this, SIGPIPE would end the program when a reader such as head ends.
	pipe := make(chan os.Signal, 1)
	signal.Notify(pipe, syscall.SIGPIPE)
	defer signal.Stop(pipe)
	listener, err := listen("addr", s.cfg.addr)
	if err != nil {
		return err
	}
	defer listener.Close()
	ui, err := s.listenUI()
	if err != nil {
		return err
	}
	if ui != nil {
		defer ui.Close()
	}
	s.files, err = filestore.Open(s.cfg.dir, s.cfg.files(s.view.say))
	switch {
	case errors.Is(err, filestore.ErrLocked):
		return fmt.Errorf("%s is used by another netlog serve", s.cfg.dir)
	case err != nil:
		text := strings.TrimPrefix(osfile.Text(cmp.Or(brokenLink(s.cfg.dir), err)), "filestore: ")
		return fmt.Errorf("-dir %s: %s", s.cfg.dir, strings.TrimPrefix(text, s.cfg.dir+": "))
	}
	err = s.run(ctx, listener, ui)
	return errors.Join(err, s.files.Close())
}

// brokenLink returns an error if dir, or the directory above it, is a link that cannot be
// followed. The error for creating dir would be that it exists.
func brokenLink(dir string) error {
	for {
		info, err := os.Lstat(dir)
		if err == nil && info.Mode()&os.ModeSymlink != 0 {
			if _, err := os.Stat(dir); err != nil {
				return fmt.Errorf("a link that cannot be followed: %w", err)
			}
		}
		up := filepath.Dir(dir)
		if err == nil || up == dir {
			return nil
		}
		dir = up
	}
}

// run serves until ctx ends or a listener fails. ui is nil if there is no page.
func (s *server) run(ctx context.Context, listener, ui net.Listener) error {
	if ui != nil {
		s.page = s.newPage(listener.Addr())
		defer s.page.Close()
	}
	s.handler = &receiver.Handler{
		Sink:      &shownSink{s.files, s.view, s.page, &s.health, s.access},
		Authorize: s.access.authorize,
		Limits:    s.cfg.limits(),
		Logf:      s.view.say,
	}
	most, mostUI := connLimits(openFiles())
	conns := limitConns(listener, most, most/2)
	main := newServer(keepAccepted(http.HandlerFunc(s.serveHTTP)), s.view)
	side := newServer(http.HandlerFunc(s.serveUI), s.view)

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	failed := make(chan error, 2)
	var running sync.WaitGroup
	start := func(serve func() error) {
		running.Go(func() {
			failed <- serve()
			cancel()
		})
	}
	start(func() error { return s.serveOn(main, conns) })
	if ui != nil {
		start(func() error { return side.Serve(limitConns(ui, mostUI, mostUI)) })
	}
	running.Go(func() { follow(ctx, s.checks()) })
	s.announce(listener.Addr(), ui)
	endView := s.startView(ctx)

	<-ctx.Done()
	err := endRequests(main, conns)
	side.Close()
	endView()
	running.Wait()
	close(failed)
	for e := range failed {
		if !errors.Is(e, http.ErrServerClosed) {
			err = errors.Join(e, err)
		}
	}
	s.sayStopped()
	return err
}

// viewTimeout limits the time for showing the rest at the end.
const viewTimeout = time.Second

// startView starts showing what is stored. The function that it returns shows the rest
// and ends the view, without waiting long for a blocked reader.
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
