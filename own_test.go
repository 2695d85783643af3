package netlog_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/tunstats"
)

// collector is a log server on loopback that takes everything.
func collector(t *testing.T, conn func(flowtrack.Tuple)) *httptest.Server {
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		conn(flowtrack.Tuple{
			Proto: flowtrack.TCP,
			Src:   netip.MustParseAddrPort(r.RemoteAddr),
			Dst:   r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr).AddrPort(),
		})
	}))
	t.Cleanup(srv.Close)
	return srv
}

// within waits for done, on real sockets, for less time than an idle connection
// has before it is closed by itself.
func within(t *testing.T, what string, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
	defer cancel()
	for !done() {
		qt.Assert(t, ctx.Err(), qt.IsNil, qt.Commentf("%s", what))
		runtime.Gosched()
	}
}

func TestOwnUploadsLeftOut(t *testing.T) {
	dev := new(fakeDevice)
	var requests atomic.Int32
	// The collector is reached through the tunnel: it counts the upload's packets.
	srv := collector(t, func(conn flowtrack.Tuple) {
		dev.count(conn, one)
		requests.Add(1)
	})
	l := netlog.Logger{PollPeriod: time.Millisecond}
	l.Upload.BaseURL = srv.URL
	startup(t, &l, dev, routes("127.0.0.0/8"))
	dev.count(toPeer, one)
	within(t, "the upload", func() bool { return l.Stats().OwnUploads == one })
	windows := l.Stats().Windows
	within(t, "ten windows", func() bool { return l.Stats().Windows > windows+10 })
	qt.Check(t, l.Stats().Records, qt.Equals, uint64(1))
	shutdown(t, &l)
	qt.Check(t, requests.Load(), qt.Equals, int32(1))
}

// TestOwnUploadsLeftOutOfDenied: the filter drops a packet of each upload.
func TestOwnUploadsLeftOutOfDenied(t *testing.T) {
	denied := new(fakeDevice)
	srv := collector(t, func(conn flowtrack.Tuple) {
		denied.count(conn, tunstats.Counts{TxPackets: 1, TxBytes: 40, TxFlags: tunstats.SYN})
	})
	l := netlog.Logger{PollPeriod: time.Millisecond, Denied: denied}
	l.Upload.BaseURL = srv.URL
	startup(t, &l, new(fakeDevice), routes("127.0.0.0/8"))
	denied.count(toPeer, one)
	dropped := tunstats.Counts{TxPackets: 1, TxBytes: 40}
	within(t, "the upload", func() bool { return l.Stats().OwnDenied == dropped || l.Stats().Records > 1 })
	windows := l.Stats().Windows
	within(t, "ten windows", func() bool { return l.Stats().Windows > windows+10 })
	qt.Check(t, l.Stats().Records, qt.Equals, uint64(1))
	qt.Check(t, l.Stats().OwnUploads, qt.Equals, tunstats.Counts{})
	shutdown(t, &l)
}

func TestCountUploads(t *testing.T) {
	dev := new(fakeDevice)
	var conn atomic.Pointer[flowtrack.Tuple]
	srv := collector(t, func(c flowtrack.Tuple) { conn.CompareAndSwap(nil, &c) })
	l := netlog.Logger{PollPeriod: time.Millisecond, CountUploads: true}
	l.Upload.BaseURL = srv.URL
	startup(t, &l, dev, routes("127.0.0.0/8"))
	dev.count(toPeer, one)
	within(t, "the upload", func() bool { return conn.Load() != nil })
	dev.count(*conn.Load(), one)
	shutdown(t, &l)
	qt.Check(t, l.Stats().Records, qt.Equals, uint64(2))
	qt.Check(t, l.Stats().OwnUploads, qt.Equals, tunstats.Counts{})
}

func TestShutdownClosesConnections(t *testing.T) {
	var open atomic.Int32
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	srv.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			open.Add(1)
		case http.StateClosed:
			open.Add(-1)
		}
	}
	srv.Start()
	defer srv.Close()
	before := runtime.NumGoroutine()
	dev := new(fakeDevice)
	var l netlog.Logger
	l.Upload.BaseURL = srv.URL
	for range 20 {
		startup(t, &l, dev, routes())
		dev.count(toPeer, one)
		shutdown(t, &l)
	}
	qt.Check(t, l.Stats().Upload.DeliveredEntries, qt.Equals, uint64(1))
	within(t, "the connections to close", func() bool { return open.Load() == 0 })
	within(t, "the goroutines to end", func() bool { return runtime.NumGoroutine() <= before })
}

func TestMemoryAfterUploads(t *testing.T) {
	if os.Getenv("NETLOG_SOAK") == "" {
		t.Skip("takes 15 real seconds; set NETLOG_SOAK=1")
	}
	srv := collector(t, func(flowtrack.Tuple) {})
	heap := func() int64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	dev := new(fakeDevice)
	l := netlog.Logger{PollPeriod: 100 * time.Millisecond}
	l.Upload.BaseURL = srv.URL
	before := heap()
	startup(t, &l, dev, routes("10.0.0.0/8"))
	qt.Check(t, heap()-before < 1<<20, qt.IsTrue)
	for range 3 {
		countMany(dev, new(fakeDevice), new(fakeDevice), 10_000)
		time.Sleep(time.Second)
	}
	time.Sleep(11 * time.Second)
	rest := heap() - before
	t.Logf("%d bytes at rest", rest)
	qt.Check(t, rest < 1<<20, qt.IsTrue, qt.Commentf("%d bytes", rest))
	shutdown(t, &l)
}
