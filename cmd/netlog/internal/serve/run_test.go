package serve

import (
	"crypto/tls"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/cmd/netlog/internal/cli"
	"github.com/go-netlog/netlog/cmd/netlog/internal/clitest"
	"github.com/go-netlog/netlog/internal/pipetest"
	"github.com/go-netlog/netlog/logtail/receiver/filestore"
)

// newTestServer returns a server that stores in a directory of the test.
func newTestServer(c *qt.C, cfg config) (s *server, stderr *clitest.Output) {
	c.Helper()
	files, err := filestore.Open(c.TempDir(), filestore.Options{MinFreeBytes: -1})
	c.Assert(err, qt.IsNil)
	c.Cleanup(func() { c.Check(files.Close(), qt.IsNil) })
	stderr = new(clitest.Output)
	return &server{cfg: cfg, files: files, access: &access{}, view: newView(io.Discard, stderr, false)}, stderr
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
	some := new(watched[grants])
	some.value.Store(&grants{{}: nil})
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
			s.announce(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1}, nil)
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
