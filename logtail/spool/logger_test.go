package spool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/tunstats"
)

// These tests run Loggers with a spool on a disk that fails or hangs.

var testID = logtail.PrivateID{7}

// server is an http.RoundTripper that accepts all entries and keeps their members named n.
type server struct {
	mu      sync.Mutex // guards the fields below
	ns      []int
	entries int
}

func (s *server) RoundTrip(r *http.Request) (*http.Response, error) {
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	var entries []struct{ N *int }
	if err := json.Unmarshal(body, &entries); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries += len(entries)
	for _, e := range entries {
		if e.N != nil {
			s.ns = append(s.ns, *e.N)
		}
	}
	return &http.Response{StatusCode: 200, Body: http.NoBody, Request: r}, nil
}

func (s *server) config(buf logtail.Buffer) logtail.Config {
	return logtail.Config{
		Collection: "test", PrivateID: testID, Buffer: buf,
		HTTPClient: &http.Client{Transport: s}, DisableCompression: true,
	}
}

// TestLoggerHungDisk checks that a hanging disk delays only polls. Packets are counted, Stats returns,
// and Shutdown keeps its deadline.
func TestLoggerHungDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newMemDisk()
		s, err := open(d, testID.Public(), Options{})
		qt.Assert(t, err, qt.IsNil)
		var meter tunstats.Meter
		var l netlog.Logger
		l.Upload = (&server{}).config(s)
		routes := &netlog.RouteConfig{LocalAddrs: []netip.Prefix{netip.MustParsePrefix("100.64.0.1/32")}}
		qt.Assert(t, l.Startup(testID, logtail.PrivateID{}, &meter, routes), qt.IsNil)

		awake := make(chan struct{})
		hung := make(chan struct{}, 100)
		d.setFault(func(op, _ string) error {
			if op == "write" || op == "create" {
				hung <- struct{}{}
				<-awake
			}
			return nil
		})
		packet := make([]byte, 40)
		packet[0] = 0x45
		meter.UpdateTx(packet)
		<-hung // the poll is writing the window
		start := time.Now()
		for range 1000 { // waiting would let the time of the bubble pass, or deadlock
			meter.UpdateTx(packet)
			meter.UpdateRx(packet)
		}
		l.Stats()
		qt.Check(t, l.Running(), qt.IsTrue)
		l.ReconfigRoutes(&netlog.RouteConfig{})
		qt.Check(t, time.Since(start), qt.Equals, time.Duration(0))

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err = l.Shutdown(ctx)
		qt.Check(t, err, qt.ErrorIs, context.DeadlineExceeded)
		qt.Check(t, time.Since(start) <= 1300*time.Millisecond, qt.IsTrue, qt.Commentf("%v", time.Since(start)))

		close(awake)
		synctest.Wait()
		qt.Check(t, s.Close(), qt.IsNil)
	})
}

// TestLoggerFailingCalls lets each call to the disk fail in turn, and checks that what Write accepted
// arrives in order and that the rest is reported in the stream.
func TestLoggerFailingCalls(t *testing.T) {
	for _, sync := range []Sync{Interval, Always} {
		for _, fault := range []error{errIO, errNoSpace} {
			t.Run(fmt.Sprintf("sync=%d/%v", sync, fault), func(t *testing.T) {
				n := 1
				for ; runWithFault(t, n, fault, Options{Sync: sync}); n++ {
				}
				t.Logf("%d calls", n)
				qt.Check(t, n > 50, qt.IsTrue)
			})
		}
	}
}

// runWithFault runs a Logger whose nth call to the disk fails. It reports whether there was an nth
// call.
func runWithFault(t *testing.T, nth int, fault error, opts Options) (met bool) {
	synctest.Test(t, func(t *testing.T) {
		d, srv := newMemDisk(), &server{}
		s, err := open(d, testID.Public(), opts)
		qt.Assert(t, err, qt.IsNil)
		calls := 0
		d.setFault(func(string, string) error {
			if calls++; calls != nth {
				return nil
			}
			met = true
			return fault
		})
		l, err := logtail.NewLogger(srv.config(s))
		qt.Assert(t, err, qt.IsNil)
		var want []int
		refused := uint64(0)
		for n := range 20 {
			if _, err := fmt.Fprintf(l, `{"n":%d}`, n); err == nil {
				want = append(want, n)
			} else {
				qt.Check(t, errors.Is(err, fault), qt.IsTrue)
				refused++
			}
			time.Sleep(time.Duration(n%3) * time.Second)
		}
		time.Sleep(10 * time.Minute)
		qt.Check(t, l.Shutdown(t.Context()), qt.IsNil)
		stats := l.Stats()
		qt.Check(t, srv.ns, qt.DeepEquals, want)
		qt.Check(t, stats.DroppedEntries, qt.Equals, refused)
		qt.Check(t, stats.DeliveredEntries, qt.Equals, uint64(srv.entries))
		s.Close() // this may be the call that fails
		qt.Assert(t, t.Failed(), qt.IsFalse, qt.Commentf("call %d", nth))
	})
	return met
}

// TestLoggerAllEntriesLost damages all entries while they wait. The loss is reported to the server, is
// not an upload error, and does not delay Shutdown.
func TestLoggerAllEntriesLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		d, srv := newMemDisk(), &server{}
		s, err := open(d, testID.Public(), Options{})
		c.Assert(err, qt.IsNil)
		cfg := srv.config(s)
		cfg.FlushDelay = time.Minute
		l, err := logtail.NewLogger(cfg)
		c.Assert(err, qt.IsNil)
		for n := range 10 {
			fmt.Fprintf(l, `{"n":%d}`, n)
		}
		d.mu.Lock()
		for name, f := range d.files {
			if strings.HasSuffix(name, ".q") {
				clear(f.data)
			}
		}
		d.mu.Unlock()
		time.Sleep(2 * time.Minute)
		c.Check(l.Stats().DroppedEntries, qt.Equals, uint64(10))
		c.Check(l.Stats().LastError, qt.IsNil)
		c.Check(srv.entries, qt.Equals, 1) // the report
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		before := time.Now()
		c.Check(l.Shutdown(ctx), qt.IsNil)
		c.Check(time.Since(before), qt.Equals, time.Duration(0))
		c.Check(s.Close(), qt.IsNil)
	})
}
