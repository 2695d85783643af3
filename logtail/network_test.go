package logtail_test

import (
	"bufio"
	"bytes"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail"
)

// The tests in this file, server_test.go and tls_test.go use real connections on loopback, for
// faults below HTTP. They wait for events and not for a time. They run in parallel, since a retry
// takes one to two seconds.

// listen serves raw connections with handle, which is called with the number of the connection.
func listen(t *testing.T, handle func(n int, conn net.Conn)) (baseURL string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	qt.Assert(t, err, qt.IsNil)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var conns []net.Conn
	wg.Go(func() {
		for n := 0; ; n++ {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, conn)
			mu.Unlock()
			wg.Go(func() {
				defer conn.Close()
				handle(n, conn)
			})
		}
	})
	t.Cleanup(func() {
		ln.Close()
		mu.Lock()
		for _, c := range conns {
			c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return "http://" + ln.Addr().String()
}

// listenWithFault passes the first connection to fault, and the others to a collector.
func listenWithFault(t *testing.T, fault func(conn net.Conn, r *bufio.Reader)) (srv *collector, baseURL string) {
	srv = newCollector(t, nil)
	return srv, listen(t, func(n int, conn net.Conn) {
		r := bufio.NewReader(conn)
		if n == 0 {
			fault(conn, r)
			return
		}
		serve(srv, conn, r)
	})
}

// reset makes the end of conn a RST.
func reset(conn net.Conn) { conn.(*net.TCPConn).SetLinger(0) }

// readAll reads one request.
func readAll(r *bufio.Reader) {
	if req, err := http.ReadRequest(r); err == nil {
		io.Copy(io.Discard, req.Body)
	}
}

// serve answers the requests on conn.
func serve(h http.Handler, conn net.Conn, r *bufio.Reader) {
	for serveOne(h, conn, r) {
	}
}

// serveOne answers one request on conn. It returns false at the end of conn.
func serveOne(h http.Handler, conn net.Conn, r *bufio.Reader) bool {
	req, err := http.ReadRequest(r)
	if err != nil {
		return false
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	answer := w.Result()
	answer.ContentLength = int64(w.Body.Len())
	answer.Write(conn)
	return true
}

var discardLog = log.New(io.Discard, "", 0)

// withTimeout returns a Config whose attempts end after half a second.
func withTimeout() logtail.Config {
	return logtail.Config{HTTPClient: &http.Client{Transport: logtail.NewTransport(), Timeout: 500 * time.Millisecond}}
}

// TestBrokenConnectionsAreRetried checks that the next attempt, on another connection, delivers.
func TestBrokenConnectionsAreRetried(t *testing.T) {
	t.Parallel()
	answer := func(text string) func(conn net.Conn, r *bufio.Reader) {
		return func(conn net.Conn, r *bufio.Reader) {
			readAll(r)
			io.WriteString(conn, text)
		}
	}
	for _, test := range []struct {
		name  string
		fault func(conn net.Conn, r *bufio.Reader)
	}{
		{"reset before anything is read", func(conn net.Conn, r *bufio.Reader) { reset(conn) }},
		{"reset in the middle of the body", func(conn net.Conn, r *bufio.Reader) {
			r.Discard(100)
			reset(conn)
		}},
		{"closed without an answer", func(conn net.Conn, r *bufio.Reader) { http.ReadRequest(r) }},
		{"closed within the status line", answer("HTTP/1.1 20")},
		{"closed within the headers", answer("HTTP/1.1 200 OK\r\nContent-Le")},
		{"reset after the headers of 200", func(conn net.Conn, r *bufio.Reader) {
			answer("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")(conn, r)
			reset(conn)
		}},
		{"garbage", answer("SSH-2.0-OpenSSH_9.9\r\n\r\n")},
		{"a megabyte of headers", answer("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 1<<20) + "\r\n\r\n")},
		{"another protocol, for which the connection stays open", func(conn net.Conn, r *bufio.Reader) {
			answer("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")(conn, r)
			r.ReadByte()
		}},
		{"endless informational answers", answer(strings.Repeat("HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n", 100_000))},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := qt.New(t)
			srv, url := listenWithFault(t, test.fault)
			l := startReal(t, url, logtail.Config{})
			l.writeSized(0, 50, 500)
			c.Assert(l.Flush(t.Context()), qt.IsNil)
			c.Check(srv.numbers(), qt.DeepEquals, count(50))
			l.drain()
			c.Check(l.Stats().DeliveredEntries, qt.Equals, uint64(50))
		})
	}
}

// TestIdleConnectionClosedByTheServer has a server that closes each connection after its first answer,
// without announcing it, as the next request may already be on its way.
func TestIdleConnectionClosedByTheServer(t *testing.T) {
	t.Parallel()
	c := qt.New(t)
	srv := newCollector(t, nil)
	url := listen(t, func(n int, conn net.Conn) { serveOne(srv, conn, bufio.NewReader(conn)) })
	l := startReal(t, url, logtail.Config{})
	for n := range 200 {
		l.write(n, n+1)
		if n%10 == 0 {
			l.Flush(t.Context())
		}
	}
	l.drain()
	c.Check(distinct(srv.numbers()), qt.DeepEquals, count(200))
	for _, r := range srv.seen() {
		c.Check(r.header.Get("Idempotency-Key"), qt.Equals, "")
	}
}

// TestSilentConnectionIsNotUsedAgain has a connection that stays open after its first answer, but
// never answers again. The next attempt must use a new connection.
func TestSilentConnectionIsNotUsedAgain(t *testing.T) {
	t.Parallel()
	c := qt.New(t)
	srv, url := listenWithFault(t, func(conn net.Conn, r *bufio.Reader) {
		readAll(r)
		io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n")
		io.Copy(io.Discard, r)
	})
	l := startReal(t, url, withTimeout())
	l.write(-1, 0)
	c.Assert(l.Flush(t.Context()), qt.IsNil)
	l.write(0, 1)
	c.Assert(l.Flush(t.Context()), qt.IsNil)
	// srv has an entry at most once for each attempt after the first.
	c.Check(len(srv.numbers()) <= int(l.Stats().Attempts-1), qt.IsTrue)
	numbers := slices.Compact(srv.numbers())
	if len(numbers) > 0 && numbers[0] == -1 {
		numbers = numbers[1:] // sent again, if the first attempt timed out on a busy machine
	}
	c.Check(numbers, qt.DeepEquals, count(1))
	l.drain()
}

// TestShutdownLeavesNothing checks that no goroutine and no connection is left after Shutdown.
func TestShutdownLeavesNothing(t *testing.T) {
	c := qt.New(t)
	states := make(chan http.ConnState, 100)
	srv := httptest.NewUnstartedServer(newCollector(t, nil))
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) { states <- s }
	srv.Start()
	defer srv.Close()
	for range 5 {
		l := startReal(t, srv.URL, logtail.Config{})
		l.write(0, 1)
		c.Assert(l.Flush(t.Context()), qt.IsNil)
		l.drain()
		for s := range states {
			if s == http.StateClosed {
				break
			}
		}
	}
	for { // until they have ended, or the test binary times out
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		if !bytes.Contains(stacks, []byte("logtail.(*uploader)")) && !bytes.Contains(stacks, []byte("persistConn")) {
			break
		}
		runtime.Gosched()
	}
}

// TestClosedPort checks the line in the log if no server listens.
func TestClosedPort(t *testing.T) {
	t.Parallel()
	c := qt.New(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	c.Assert(err, qt.IsNil)
	defer ln.Close()
	client, err := net.Dial("tcp", ln.Addr().String())
	c.Assert(err, qt.IsNil)
	defer client.Close()
	addr := client.LocalAddr().String() // nobody can listen on the port of a client
	logged := make(chan struct{}, 10)
	l := startReal(t, "http://"+addr, logtail.Config{Logf: func(string, ...any) { logged <- struct{}{} }})
	l.write(0, 2)
	<-logged
	c.Check(l.lines()[0], qt.Matches, "logtail: cannot upload to http://"+regexp.QuoteMeta(addr)+": dial tcp "+regexp.QuoteMeta(addr)+": connect.*: .*refused.*")
	checkUndelivered(c, l.shutdown(0), 2, false)
}
