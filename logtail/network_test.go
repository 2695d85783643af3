package logtail_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail"
)

// These tests use real connections on loopback, for what happens below HTTP. They
// wait for events, never for a time: a retry takes one to two seconds here, so
// they run in parallel.

// listen serves raw connections with handle, called with the number of the connection.
func listen(t *testing.T, handle func(n int, conn net.Conn)) (baseURL string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	conns := []net.Conn{}
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

// reset makes the end of conn a RST.
func reset(conn net.Conn) { conn.(*net.TCPConn).SetLinger(0) }

// startReal starts a Logger with its own transport.
func startReal(t *testing.T, baseURL string, change func(*logtail.Config)) *logtail.Logger {
	t.Helper()
	cfg := testConfig()
	cfg.BaseURL = baseURL
	if change != nil {
		change(&cfg)
	}
	l := newLogger(t, cfg)
	t.Cleanup(func() { shutdown(t, l, 0) })
	return l
}

// What goes wrong on a connection is a failed attempt, and the next one, on
// another connection, delivers.
func TestBrokenConnectionsAreRetried(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		fail func(conn net.Conn, r *bufio.Reader)
	}{
		{"reset before anything is read", func(conn net.Conn, r *bufio.Reader) { reset(conn) }},
		{"reset in the middle of the body", func(conn net.Conn, r *bufio.Reader) {
			r.Discard(100)
			reset(conn)
		}},
		{"closed without an answer", func(conn net.Conn, r *bufio.Reader) { http.ReadRequest(r) }},
		{"closed within the status line", func(conn net.Conn, r *bufio.Reader) {
			readAll(r)
			io.WriteString(conn, "HTTP/1.1 20")
		}},
		{"closed within the headers", func(conn net.Conn, r *bufio.Reader) {
			readAll(r)
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Le")
		}},
		{"reset after the headers of 200", func(conn net.Conn, r *bufio.Reader) {
			readAll(r)
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
			reset(conn)
		}},
		{"garbage", func(conn net.Conn, r *bufio.Reader) {
			readAll(r)
			io.WriteString(conn, "SSH-2.0-OpenSSH_9.9\r\n\r\n")
		}},
		{"a megabyte of headers", func(conn net.Conn, r *bufio.Reader) {
			readAll(r)
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", 1<<20)+"\r\n\r\n")
		}},
		{"another protocol, for which the connection stays open", func(conn net.Conn, r *bufio.Reader) {
			readAll(r)
			io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
			r.ReadByte()
		}},
		{"endless informational answers", func(conn net.Conn, r *bufio.Reader) {
			readAll(r)
			for range 100_000 {
				if _, err := io.WriteString(conn, "HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n"); err != nil {
					return
				}
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := qt.New(t)
			srv := newCollector(t, nil)
			url := listen(t, func(n int, conn net.Conn) {
				r := bufio.NewReader(conn)
				if n == 0 {
					test.fail(conn, r)
					return
				}
				serve(srv, conn, r)
			})
			l := startReal(t, url, nil)
			for n := range 50 {
				writeSized(t, l, n, 500)
			}
			c.Assert(l.Flush(t.Context()), qt.IsNil)
			c.Check(srv.numbers(), qt.DeepEquals, count(50))
			drain(t, l)
			c.Check(l.Stats().DeliveredEntries, qt.Equals, uint64(50))
		})
	}
}

// readAll reads one request.
func readAll(r *bufio.Reader) {
	if req, err := http.ReadRequest(r); err == nil {
		io.Copy(io.Discard, req.Body)
	}
}

// serve answers the requests on conn.
func serve(h http.Handler, conn net.Conn, r *bufio.Reader) {
	for {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		answer := w.Result()
		answer.ContentLength = int64(w.Body.Len())
		answer.Write(conn)
	}
}

// A server that closes the idle connection just as the next request comes.
func TestIdleConnectionClosedByTheServer(t *testing.T) {
	t.Parallel()
	c := qt.New(t)
	srv := newCollector(t, nil)
	url := listen(t, func(n int, conn net.Conn) {
		r := bufio.NewReader(conn)
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		w := httptest.NewRecorder()
		srv.ServeHTTP(w, req)
		answer := w.Result()
		answer.ContentLength = 0
		answer.Write(conn) // without Connection: close
	})
	l := startReal(t, url, nil)
	for n := range 200 {
		write(t, l, n, n+1)
		if n%10 == 0 {
			l.Flush(t.Context())
		}
	}
	drain(t, l)
	got := srv.numbers()
	slices.Sort(got)
	c.Check(slices.Compact(got), qt.DeepEquals, count(200))
	for _, r := range srv.seen() {
		c.Check(r.header.Get("Idempotency-Key"), qt.Equals, "")
	}
}

// A peer that vanished with the connection: the next attempt dials anew.
func TestSilentConnectionIsNotUsedAgain(t *testing.T) {
	t.Parallel()
	c := qt.New(t)
	srv := newCollector(t, nil)
	url := listen(t, func(n int, conn net.Conn) {
		r := bufio.NewReader(conn)
		if n == 0 {
			readAll(r)
			io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n")
			io.Copy(io.Discard, r) // and never an answer again
			return
		}
		serve(srv, conn, r)
	})
	l := startReal(t, url, func(cfg *logtail.Config) {
		cfg.Logf = t.Logf
		cfg.HTTPClient = &http.Client{Transport: logtail.NewTransport(), Timeout: 500 * time.Millisecond}
	})
	write(t, l, -1, 0)
	c.Assert(l.Flush(t.Context()), qt.IsNil)
	write(t, l, 0, 1)
	c.Assert(l.Flush(t.Context()), qt.IsNil)
	// Only an attempt can bring an entry, and the first one was another's.
	c.Check(len(srv.numbers()) <= int(l.Stats().Attempts-1), qt.IsTrue)
	numbers := slices.Compact(srv.numbers())
	if len(numbers) > 0 && numbers[0] == -1 {
		numbers = numbers[1:] // the first came again, as its attempt timed out on a busy machine
	}
	c.Check(numbers, qt.DeepEquals, count(1))
	drain(t, l)
}

// A redirect is followed nowhere: the path holds the ID, the body the flows.
func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	for _, code := range []int{301, 302, 303, 307, 308} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			t.Parallel()
			c := qt.New(t)
			var evil atomic.Int32
			other := listen(t, func(int, net.Conn) { evil.Add(1) })
			answered := make(chan struct{}, 10)
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, other+"/elsewhere", code)
				answered <- struct{}{}
			}))
			defer srv.Close()
			l := startReal(t, srv.URL, func(cfg *logtail.Config) { cfg.HTTPClient = &http.Client{} })
			write(t, l, 0, 3)
			<-answered
			<-answered // and tried again
			checkUndelivered(c, shutdown(t, l, 0), 3, false)
			c.Check(evil.Load(), qt.Equals, int32(0))
		})
	}
}

// A success with a body that nobody could want: little of it is read, and
// nothing inflated. It runs alone: the heap is that of the whole process.
func TestEndlessAnswers(t *testing.T) {
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	z.Write(make([]byte, 64<<20))
	z.Close()
	for _, test := range []struct {
		name  string
		write func(w http.ResponseWriter)
	}{
		{"endless", func(w http.ResponseWriter) {
			for {
				if _, err := w.Write(make([]byte, 64<<10)); err != nil {
					return
				}
			}
		}},
		{"gzip bomb", func(w http.ResponseWriter) {
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(bomb.Bytes())
		}},
	} {
		for _, code := range []int{200, 500} {
			t.Run(fmt.Sprint(test.name, code), func(t *testing.T) {
				c := qt.New(t)
				answered := make(chan struct{}, 10)
				srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					w.WriteHeader(code)
					test.write(w)
					answered <- struct{}{}
				}))
				defer srv.Close()
				l := startReal(t, srv.URL, nil)
				before := heap()
				write(t, l, 0, 1)
				<-answered
				if code == 200 {
					drain(t, l)
				} else {
					checkUndelivered(c, shutdown(t, l, 0), 1, false)
				}
				c.Check(heap()-before < 8<<20, qt.IsTrue)
			})
		}
	}
}

func TestTLSFailsClosed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		server func(*tls.Config)
		client func(*tls.Config)
	}{
		{"unknown authority", nil, func(c *tls.Config) { c.RootCAs = x509.NewCertPool() }},
		{"wrong name", nil, func(c *tls.Config) { c.ServerName = "other.example" }},
		{"expired", nil, func(c *tls.Config) { c.Time = func() time.Time { return time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC) } }},
		{"not yet valid, as on a clock of 1970", nil, func(c *tls.Config) { c.Time = func() time.Time { return time.Unix(-1, 0) } }},
		{"TLS 1.1", func(c *tls.Config) { c.MaxVersion = tls.VersionTLS11; c.MinVersion = tls.VersionTLS10 }, nil},
		{"wants a client certificate", func(c *tls.Config) { c.ClientAuth = tls.RequireAnyClientCert; c.MaxVersion = tls.VersionTLS12 }, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := qt.New(t)
			var log logLines
			told := make(chan struct{}, 10)
			srv, transport := tlsServer(t, newCollector(t, nil), test.server)
			if test.client != nil {
				test.client(transport.TLSClientConfig)
			}
			l := startReal(t, srv.URL, func(cfg *logtail.Config) {
				cfg.HTTPClient = &http.Client{Transport: transport}
				cfg.Logf = func(format string, args ...any) { log.Logf(format, args...); told <- struct{}{} }
			})
			write(t, l, 0, 2)
			<-told
			c.Check(log.all()[0], qt.Matches, "logtail: cannot upload to https://127.0.0.1:[0-9]+: .*tls.*|.*x509.*")
			checkUndelivered(c, shutdown(t, l, 0), 2, false)
		})
	}
}

// tlsServer starts a TLS server and returns a transport that trusts it.
func tlsServer(t *testing.T, h http.Handler, change func(*tls.Config)) (*httptest.Server, *http.Transport) {
	srv := httptest.NewUnstartedServer(h)
	srv.Config.ErrorLog = discardLog
	srv.TLS = &tls.Config{}
	if change != nil {
		change(srv.TLS)
	}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	roots := x509.NewCertPool()
	roots.AddCert(srv.Certificate())
	transport := logtail.NewTransport()
	transport.TLSClientConfig.RootCAs = roots
	t.Cleanup(transport.CloseIdleConnections)
	return srv, transport
}

func TestTLSDelivers(t *testing.T) {
	t.Parallel()
	c := qt.New(t)
	collector := newCollector(t, nil)
	var protocols []string
	srv, transport := tlsServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protocols = append(protocols, r.Proto)
		collector.ServeHTTP(w, r)
	}), nil)
	l := startReal(t, srv.URL, func(cfg *logtail.Config) { cfg.HTTPClient = &http.Client{Transport: transport} })
	write(t, l, 0, 10)
	drain(t, l)
	c.Check(collector.numbers(), qt.DeepEquals, count(10))
	c.Check(protocols[0], qt.Equals, "HTTP/1.1")
}

// A proxy sees the host and port of an https collector, and neither path nor
// entries.
func TestProxySeesOnlyTheHost(t *testing.T) {
	t.Parallel()
	c := qt.New(t)
	collector := newCollector(t, nil)
	srv, transport := tlsServer(t, collector, nil)
	var seen bytes.Buffer
	var mu sync.Mutex
	refusals := 1
	proxyURL := listen(t, func(n int, conn net.Conn) {
		r := bufio.NewReader(io.TeeReader(conn, &lockedWriter{&mu, &seen}))
		req, err := http.ReadRequest(r)
		if err != nil || req.Method != http.MethodConnect {
			return
		}
		if n < refusals {
			io.WriteString(conn, "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
			return
		}
		up, err := net.Dial("tcp", req.Host)
		if err != nil {
			return
		}
		defer up.Close()
		io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
		go io.Copy(conn, up)
		io.Copy(up, r)
	})
	transport.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse(proxyURL) }
	var id logtail.PrivateID
	l := startReal(t, srv.URL, func(cfg *logtail.Config) {
		cfg.HTTPClient = &http.Client{Transport: transport}
		id = cfg.PrivateID
	})
	write(t, l, 0, 10)
	drain(t, l)
	c.Check(collector.numbers(), qt.DeepEquals, count(10))
	transport.CloseIdleConnections()
	mu.Lock()
	defer mu.Unlock()
	secret, _ := id.MarshalText()
	c.Check(bytes.Contains(seen.Bytes(), secret), qt.IsFalse)
	c.Check(bytes.Contains(seen.Bytes(), []byte(`"n":1`)), qt.IsFalse)
	c.Check(seen.String(), qt.Contains, "CONNECT "+srv.Listener.Addr().String())
}

type lockedWriter struct {
	mu *sync.Mutex
	w  io.Writer
}

func (w *lockedWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.w.Write(p)
}

func TestNewTransportProxyFromEnvironment(t *testing.T) {
	c := qt.New(t)
	tr := logtail.NewTransport()
	c.Check(tr.Proxy, qt.IsNotNil)
	c.Check(tr.DisableCompression, qt.IsTrue)
	c.Check(tr.MaxResponseHeaderBytes, qt.Equals, int64(64<<10))
	c.Check(tr.TLSClientConfig.MinVersion, qt.Equals, uint16(tls.VersionTLS12))
	c.Check(tr.Protocols.String(), qt.Equals, "{HTTP1}")
}

// No goroutine, and no connection, is left after Shutdown.
func TestShutdownLeavesNothing(t *testing.T) {
	c := qt.New(t)
	states := make(chan http.ConnState, 100)
	srv := httptest.NewUnstartedServer(newCollector(t, nil))
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) { states <- s }
	srv.Start()
	defer srv.Close()
	for range 5 {
		l := startReal(t, srv.URL, nil)
		write(t, l, 0, 1)
		c.Assert(l.Flush(t.Context()), qt.IsNil)
		drain(t, l)
		for s := range states {
			if s == http.StateClosed {
				break
			}
		}
	}
	for {
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		if !bytes.Contains(stacks, []byte("logtail.(*uploader)")) && !bytes.Contains(stacks, []byte("persistConn")) {
			break // at last; the end of the test binary is the limit
		}
		runtime.Gosched()
	}
}

var discardLog = log.New(io.Discard, "", 0)

// Nothing listens: the line in the log says so, and no more.
func TestClosedPort(t *testing.T) {
	t.Parallel()
	c := qt.New(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	c.Assert(err, qt.IsNil)
	addr := ln.Addr().String()
	ln.Close()
	told := make(chan string, 10)
	l := startReal(t, "http://"+addr, func(cfg *logtail.Config) {
		cfg.Logf = func(format string, args ...any) { told <- fmt.Sprintf(format, args...) }
	})
	write(t, l, 0, 2)
	c.Check(<-told, qt.Matches, "logtail: cannot upload to http://"+regexp.QuoteMeta(addr)+": dial tcp "+regexp.QuoteMeta(addr)+": connect.*: .*refused.*")
	checkUndelivered(c, shutdown(t, l, 0), 2, false)
}
