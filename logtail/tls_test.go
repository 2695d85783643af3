package logtail_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/secrettest"
	"github.com/go-netlog/netlog/logtail"
)

// tlsServer starts a TLS server, and returns it with a client that trusts it.
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
		{"not yet valid, on a clock of 1970", nil, func(c *tls.Config) {
			c.Time = func() time.Time { return time.Unix(-1, 0).In(time.FixedZone("", 3600)) } // "+01:00" is shown
		}},
		{"TLS 1.1", func(c *tls.Config) { c.MaxVersion = tls.VersionTLS11; c.MinVersion = tls.VersionTLS10 }, nil},
		{"requires a client certificate", func(c *tls.Config) { c.ClientAuth = tls.RequireAnyClientCert; c.MaxVersion = tls.VersionTLS12 }, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := qt.New(t)
			logged := make(chan struct{}, 10)
			srv, transport := tlsServer(t, newCollector(t, nil), test.server)
			if test.client != nil {
				test.client(transport.TLSClientConfig)
			}
			l := startReal(t, srv.URL, logtail.Config{
				HTTPClient: &http.Client{Transport: transport},
				Logf:       func(string, ...any) { logged <- struct{}{} },
			})
			l.write(0, 2)
			<-logged
			c.Check(l.lines()[0], qt.Matches, "logtail: cannot upload to https://127.0.0.1:[0-9]+: .*tls.*|.*x509.*")
			checkUndelivered(c, l.shutdown(0), 2, false)
		})
	}
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
	l := startReal(t, srv.URL, logtail.Config{HTTPClient: &http.Client{Transport: transport}})
	l.write(0, 10)
	l.drain()
	c.Check(collector.numbers(), qt.DeepEquals, count(10))
	c.Check(protocols[0], qt.Equals, "HTTP/1.1")
}

// TestCaptivePortalGetsNothing has a captive portal that accepts the first connection, with a
// certificate that the Logger does not trust.
func TestCaptivePortalGetsNothing(t *testing.T) {
	t.Parallel()
	c := qt.New(t)
	var asked atomic.Int32
	portal, _ := tlsServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		io.WriteString(w, "<html>Welcome")
	}), func(cfg *tls.Config) { cfg.Certificates = []tls.Certificate{selfSigned(t)} })
	collector := newCollector(t, nil)
	srv, transport := tlsServer(t, collector, nil)
	var dials atomic.Int32
	dial := transport.DialContext
	transport.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if dials.Add(1) == 1 {
			addr = portal.Listener.Addr().String()
		}
		return dial(ctx, network, addr)
	}
	l := startReal(t, srv.URL, logtail.Config{HTTPClient: &http.Client{Transport: transport}})
	l.write(0, 5)
	l.drain()
	c.Check(collector.numbers(), qt.DeepEquals, count(5))
	c.Check(asked.Load(), qt.Equals, int32(0))
	c.Check(dials.Load(), qt.Equals, int32(2))
}

// selfSigned returns a certificate for loopback that no client trusts.
func selfSigned(t *testing.T) tls.Certificate {
	public, private, err := ed25519.GenerateKey(nil)
	qt.Assert(t, err, qt.IsNil)
	template := x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{{127, 0, 0, 1}},
	}
	der, err := x509.CreateCertificate(nil, &template, &template, public, private)
	qt.Assert(t, err, qt.IsNil)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}
}

// TestProxySeesOnlyTheHost has a proxy before an https collector. It refuses the first request, and
// must see neither the path nor the entries of the next.
func TestProxySeesOnlyTheHost(t *testing.T) {
	t.Parallel()
	c := qt.New(t)
	collector := newCollector(t, nil)
	srv, transport := tlsServer(t, collector, nil)
	var seen bytes.Buffer
	var mu sync.Mutex // guards seen
	proxyURL := listen(t, func(n int, conn net.Conn) {
		r := bufio.NewReader(io.TeeReader(conn, &lockedWriter{&mu, &seen}))
		req, err := http.ReadRequest(r)
		if err != nil || req.Method != http.MethodConnect {
			return
		}
		if n == 0 {
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
	id := secrettest.NewID()
	l := startReal(t, srv.URL, logtail.Config{PrivateID: id, HTTPClient: &http.Client{Transport: transport}})
	l.write(0, 10)
	l.drain()
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
