package serve

import (
	"bufio"
	"context"
	"io"
	"math"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/hosts"
	"github.com/go-netlog/netlog/internal/pipetest"
)

// addrConn is a connection from an address.
type addrConn struct {
	net.Conn
	from net.Addr
}

func (c addrConn) RemoteAddr() net.Addr { return c.from }

// newConn returns the other end of a connection from addr, as a limiter accepts it.
func newConn(l *connLimiter, addr string) (c *conn, client net.Conn) {
	client, server := net.Pipe()
	from := net.TCPAddrFromAddrPort(netip.MustParseAddrPort(addr))
	return &conn{Conn: addrConn{server, from}, limiter: l, from: hosts.Network(from.String())}, client
}

// TestConnLimiterReplacesStrangersFirst checks which connection makes room for a new one.
func TestConnLimiterReplacesStrangersFirst(t *testing.T) {
	const a, b, c6, d6, e6 = "192.0.2.1:1", "192.0.2.2:1", "[2001:db8::1]:1", "[2001:db8::2]:1", "[2001:db8:0:1::1]:1"
	type arrival struct {
		from  string
		state string // new, idle, or busy
	}
	for _, test := range []struct {
		name     string
		most     int
		mostOne  int
		open     []arrival
		from     string
		replaced int // index in open; -1: none, as there is room; -2: the new one is closed
	}{
		{"room", 3, 2, []arrival{{a, "new"}, {b, "new"}}, a, -1},
		{"the oldest stranger", 3, 3, []arrival{{a, "idle"}, {b, "new"}, {a, "new"}}, a, 1},
		{"strangers before idle ones", 3, 3, []arrival{{a, "idle"}, {b, "idle"}, {a, "new"}}, b, 2},
		{"the one that is idle longest", 3, 3, []arrival{{a, "busy"}, {b, "idle"}, {a, "idle"}}, b, 1},
		{"never one with a request", 3, 3, []arrival{{a, "busy"}, {b, "busy"}, {a, "busy"}}, b, -2},
		{"one address: its own", 9, 2, []arrival{{b, "new"}, {a, "idle"}, {a, "idle"}}, a, 1},
		{"one address: its own strangers first", 9, 2, []arrival{{b, "new"}, {a, "idle"}, {a, "new"}}, a, 2},
		{"one address: never others", 9, 2, []arrival{{b, "new"}, {a, "busy"}, {a, "busy"}}, a, -2},
		{"one network of IPv6", 9, 2, []arrival{{c6, "new"}, {d6, "new"}}, d6, 0},
		{"another network of IPv6", 9, 2, []arrival{{c6, "new"}, {d6, "new"}}, e6, -1},
		{"IPv4 in IPv6", 9, 2, []arrival{{a, "new"}, {"[::ffff:192.0.2.1]:1", "new"}}, a, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := qt.New(t)
			l := limitConns(nil, test.most, test.mostOne)
			var open []*conn
			for _, arrival := range test.open {
				conn, _ := newConn(l, arrival.from)
				_, ok := l.admit(conn)
				c.Assert(ok, qt.IsTrue)
				switch arrival.state {
				case "idle":
					conn.set(&l.idle, false)
				case "busy":
					conn.set(nil, true)
				}
				open = append(open, conn)
			}
			conn, _ := newConn(l, test.from)
			replaced, ok := l.admit(conn)
			c.Check(ok, qt.Equals, test.replaced != -2)
			if test.replaced < 0 {
				c.Check(replaced, qt.IsNil)
			} else {
				c.Check(replaced == open[test.replaced], qt.IsTrue)
			}
			for _, conn := range append(open, conn) { // a replaced one too, twice
				conn.Close()
				conn.Close()
			}
			c.Check(len(l.open)+len(l.byAddr)+l.new.Len()+l.idle.Len(), qt.Equals, 0)
		})
	}
}

func TestConnLimitLeavesDescriptors(t *testing.T) {
	for files, want := range map[uint64][2]int{
		0: {}, 40: {17, 5}, 256: {112, 32}, 1024: {832, 64}, 20000: {maxConns, 64}, math.MaxUint64: {maxConns, 64},
	} {
		nodes, ui := connLimits(files)
		qt.Check(t, [2]int{nodes, ui}, qt.Equals, want, qt.Commentf("%d files", files))
	}
}

// serveOnPipes runs a server on pipes until stop is called.
func serveOnPipes(c *qt.C, s *server) (l *pipetest.Listener, stop func()) {
	l = pipetest.NewListener()
	ctx, cancel := context.WithCancel(c.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.run(ctx, l, nil) }()
	return l, func() { cancel(); c.Check(<-ended, qt.IsNil) }
}

// TestServeOnlyAcceptedMayIdle checks that every other answer closes the connection, after
// waiting for the body for a short time.
func TestServeOnlyAcceptedMayIdle(t *testing.T) {
	path := "/c/c/" + strings.Repeat("5e", 32)
	for _, test := range []struct {
		name, request string
		status        int
		open          time.Duration // how long the connection remains open after the request
	}{
		{"accepted", "POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", 200, idleTimeout},
		{"no token", "POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", 401, 0},
		{"malformed", "POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{{", 400, 0},
		{"another path", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 404, 0},
		{"health", "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 200, 0},
		{"a body that does not arrive", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n", 404, restTimeout},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := qt.New(t)
				s, _ := newTestServer(c, config{})
				if test.status == 401 {
					s.access.tokens = new(watched[grants])
					s.access.tokens.value.Store(&grants{{}: nil})
				}
				l, stop := serveOnPipes(c, s)
				defer stop()
				conn := l.Dial()
				defer conn.Close()
				go io.WriteString(conn, test.request)
				start := time.Now()
				r := bufio.NewReader(conn)
				resp, err := http.ReadResponse(r, nil)
				c.Assert(err, qt.IsNil)
				_, err = io.Copy(io.Discard, resp.Body)
				c.Assert(err, qt.IsNil)
				c.Check(resp.StatusCode, qt.Equals, test.status)
				c.Check(resp.Close, qt.Equals, test.open != idleTimeout)
				_, err = r.ReadByte()
				c.Check(err, qt.Equals, io.EOF)
				const lingering = 500 * time.Millisecond // of net/http, for a client that is still sending
				c.Check(time.Since(start)-test.open <= lingering, qt.IsTrue, qt.Commentf("%v", time.Since(start)))
				c.Check(time.Since(start) >= test.open, qt.IsTrue)
			})
		})
	}
}
