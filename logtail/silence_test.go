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
	"slices"
	"sync/atomic"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail"
)

// A captive portal has no certificate of the collector: it gets nothing, and the
// entries go out once it is passed.
func TestCaptivePortalGetsNothing(t *testing.T) {
	t.Parallel()
	c := qt.New(t)
	var asked atomic.Int32
	portal := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		io.WriteString(w, "<html>Welcome")
	}))
	portal.Config.ErrorLog = discardLog
	portal.TLS = &tls.Config{Certificates: []tls.Certificate{selfSigned(t)}}
	portal.StartTLS()
	defer portal.Close()
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
	l := startReal(t, srv.URL, func(cfg *logtail.Config) { cfg.HTTPClient = &http.Client{Transport: transport} })
	write(t, l, 0, 5)
	drain(t, l)
	c.Check(collector.numbers(), qt.DeepEquals, count(5))
	c.Check(asked.Load(), qt.Equals, int32(0))
	c.Check(dials.Load(), qt.Equals, int32(2))
}

// selfSigned returns a certificate that nobody trusts, for this machine.
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

// A server that takes the connection and never answers: the attempt ends at its
// timeout, and its connection with it.
func TestServerNeverAnswers(t *testing.T) {
	t.Parallel()
	c := qt.New(t)
	srv := newCollector(t, nil)
	gone := make(chan struct{})
	url := listen(t, func(n int, conn net.Conn) {
		if n == 0 {
			io.Copy(io.Discard, conn) // until the other side closes it
			close(gone)
			return
		}
		serve(srv, conn, bufio.NewReader(conn))
	})
	l := startReal(t, url, func(cfg *logtail.Config) {
		cfg.HTTPClient = &http.Client{Transport: logtail.NewTransport(), Timeout: 500 * time.Millisecond}
	})
	write(t, l, 0, 5)
	<-gone
	drain(t, l)
	// Only an attempt that timed out on the way back can make doubles: where one
	// request was enough besides the unanswered one, there are none.
	c.Check(len(srv.numbers()) <= 5*int(l.Stats().Attempts-1), qt.IsTrue)
	c.Check(slices.Compact(slices.Sorted(slices.Values(srv.numbers()))), qt.DeepEquals, count(5))
}

// A server that reads a byte and then nothing for long: writers do not wait for it.
func TestSlowServerDelaysNoWriter(t *testing.T) {
	t.Parallel()
	c := qt.New(t)
	srv := newCollector(t, nil)
	reading, goOn := make(chan struct{}), make(chan struct{})
	url := listen(t, func(n int, conn net.Conn) {
		first := make([]byte, 1)
		io.ReadFull(conn, first)
		if n == 0 {
			close(reading)
			<-goOn
		}
		serve(srv, conn, bufio.NewReader(io.MultiReader(bytes.NewReader(first), conn)))
	})
	l := startReal(t, url, func(cfg *logtail.Config) { cfg.DisableCompression = true })
	const n = 500 // more than the kernel takes for a server that does not read
	writeSized(t, l, 0, 20_000)
	<-reading
	for i := range n - 1 {
		writeSized(t, l, i+1, 10_000)
	}
	c.Check(l.Stats().BufferedEntries, qt.Equals, n)
	c.Check(srv.numbers(), qt.HasLen, 0)
	close(goOn)
	drain(t, l)
	c.Check(srv.numbers(), qt.DeepEquals, count(n))
}

// The answer to an attempt that was given up comes late: it acknowledges nothing,
// neither twice nor in place of what is sent meanwhile.
func TestLateAnswerAcknowledgesNothing(t *testing.T) {
	t.Parallel()
	c := qt.New(t)
	collector := newCollector(t, nil)
	var requests atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := requests.Add(1)
		req, _ := collector.receive(r)
		if n == 1 && req != nil {
			<-r.Context().Done() // the attempt has timed out
		}
		w.WriteHeader(http.StatusOK)
	}))
	defer srv.Close()
	l := startReal(t, srv.URL, func(cfg *logtail.Config) {
		cfg.HTTPClient = &http.Client{Transport: logtail.NewTransport(), Timeout: 500 * time.Millisecond}
	})
	write(t, l, 0, 5)
	c.Assert(l.Flush(t.Context()), qt.IsNil)
	write(t, l, 5, 10)
	drain(t, l)
	seen := collector.seen()
	c.Assert(len(seen) >= 3, qt.IsTrue)
	sent := seen[0].entries
	for i, e := range collector.accepted()[len(sent):][:len(sent)] { // again, the same bytes
		c.Check(string(e.raw), qt.Equals, string(sent[i].raw))
	}
	c.Check(l.Stats().DeliveredEntries, qt.Equals, uint64(10))
	last := collector.numbers()
	c.Check(last[len(last)-5:], qt.DeepEquals, []int{5, 6, 7, 8, 9})
}
