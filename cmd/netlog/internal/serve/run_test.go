package serve

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/cmd/netlog/internal/cli"
	"github.com/go-netlog/netlog/cmd/netlog/internal/clitest"
	"github.com/go-netlog/netlog/internal/pipetest"
	"github.com/go-netlog/netlog/logtail/receiver/filestore"
)

func TestServeConnectionLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		inner := pipetest.NewListener()
		l := limitConns(inner, 2)
		open := make(chan net.Conn, 5)
		ended := make(chan error, 1)
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					ended <- err
					return
				}
				open <- conn
			}
		}()
		for range 5 {
			go inner.Dial()
		}
		synctest.Wait()
		c.Assert(open, qt.HasLen, 2)
		conn := <-open
		for range 3 { // one place, however often
			c.Check(conn.Close(), qt.IsNil)
		}
		synctest.Wait()
		c.Check(open, qt.HasLen, 2)
		c.Check(l.Close(), qt.IsNil)
		c.Check(<-ended, qt.Equals, net.ErrClosed, qt.Commentf("though there is no place"))
	})
}

// newTestServer returns a server that stores in a directory of the test.
func newTestServer(c *qt.C, cfg config) (s *server, stderr *clitest.Output) {
	c.Helper()
	files, err := filestore.Open(c.TempDir(), filestore.Options{MinFreeBytes: -1})
	c.Assert(err, qt.IsNil)
	c.Cleanup(func() { c.Check(files.Close(), qt.IsNil) })
	stderr = new(clitest.Output)
	return &server{cfg: cfg, files: files, access: &access{}, view: newView(io.Discard, stderr, false)}, stderr
}

// TestServeEndsDespiteEndlessRequest checks that such a request delays the end by seconds
// only.
func TestServeEndsDespiteEndlessRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		s, stderr := newTestServer(c, config{})
		l := pipetest.NewListener()
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.run(ctx, l, nil) }()
		conn := l.Dial()
		defer conn.Close()
		_, err := fmt.Fprintf(conn, "POST /c/c/%s HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n[", strings.Repeat("5e", 32))
		c.Assert(err, qt.IsNil)
		synctest.Wait()
		cancel()
		start := time.Now()
		c.Check(<-ended, qt.ErrorIs, context.DeadlineExceeded)
		_, err = io.ReadAll(conn)
		c.Check(err, qt.IsNil, qt.Commentf("it is closed"))
		c.Check(time.Since(start), qt.Equals, shutdownTimeout)
		c.Check(stderr.String(), qt.Contains, "stopped; stored 0 entries")
	})
}

func TestServeEndsWithListener(t *testing.T) {
	for name, which := range map[string]int{"main": 0, "metrics": 1} {
		synctest.Test(t, func(t *testing.T) {
			c := qt.New(t)
			s, _ := newTestServer(c, config{})
			listeners := []*pipetest.Listener{pipetest.NewListener(), pipetest.NewListener()}
			ended := make(chan error, 1)
			go func() { ended <- s.run(t.Context(), listeners[0], listeners[1]) }()
			synctest.Wait()
			listeners[which].Close()
			c.Check(<-ended, qt.ErrorIs, net.ErrClosed, qt.Commentf("%s", name))
		})
	}
}

func TestServeAnnounce(t *testing.T) {
	const noTokens, noTLS = "without -tokens, everyone", "without TLS, the network"
	some := new(watched[[]grant])
	some.value.Store(&[]grant{{}})
	for _, test := range []struct {
		name  string
		cfg   config
		setup func(*server)
		want  []string
		not   []string
	}{
		{"the defaults", config{addr: "127.0.0.1:1", maxAge: cli.Age(30 * cli.Day), maxSize: 10 << 30}, nil, []string{" http://", "removes the files of a day (UTC) 30 days after its end, and the oldest files beyond 10 GiB\n"}, []string{"without", "nobody"}},
		{"bounds of its own", config{addr: "127.0.0.1:1", maxAge: cli.Age(12 * time.Hour), maxSize: 500e6}, nil,
			[]string{" 12 hours after its end, and the oldest files beyond 500 MB\n"}, nil},
		{"no bounds", config{addr: "127.0.0.1:1"}, nil,
			[]string{"removes nothing\n"}, nil},
		{"open to all", config{addr: "0.0.0.0:1", open: true}, nil, []string{noTokens, noTLS}, nil},
		{"open, with tokens", config{addr: ":1", open: true}, func(s *server) { s.access.tokens = some }, []string{noTLS}, []string{noTokens}},
		{"open, with TLS", config{addr: ":1", open: true, tlsCert: "c"}, func(s *server) { s.cert = new(watched[tls.Certificate]) },
			[]string{" https://", noTokens}, []string{noTLS}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := qt.New(t)
			s, stderr := newTestServer(c, test.cfg)
			if test.setup != nil {
				test.setup(s)
			}
			s.announce(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1})
			for _, want := range test.want {
				c.Check(stderr.String(), qt.Contains, want)
			}
			for _, not := range test.not {
				c.Check(stderr.String(), qt.Not(qt.Contains), not)
			}
		})
	}
}

// TestServeFailedHandshakesNotPrinted checks that other errors of the HTTP server are
// printed.
func TestServeFailedHandshakesNotPrinted(t *testing.T) {
	var stderr clitest.Output
	srv := newServer(nil, newView(io.Discard, &stderr, false))
	srv.ErrorLog.Print("http: TLS handshake error from 192.0.2.1:1: EOF")
	srv.ErrorLog.Print("http: Accept error: \x1b[2J")
	qt.Check(t, stderr.String(), qt.Equals, `http: Accept error: \x1b[2J`+"\n")
}
