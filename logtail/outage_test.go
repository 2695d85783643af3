package logtail_test

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail"
)

// TestThreeDaysOfOutage writes an entry every 5 s while the server cannot be reached. The Buffer
// must stay within its bound, and its entries must arrive in order afterwards.
func TestThreeDaysOfOutage(t *testing.T) {
	const (
		maxBytes = 1 << 20
		polls    = 3 * 24 * 3600 / 5
		size     = 200
	)
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		var up atomic.Bool
		srv := newCollector(t, nil)
		network := roundTripper(func(r *http.Request) (*http.Response, error) {
			if !up.Load() {
				return nil, errRefused
			}
			return srv.RoundTrip(r)
		})
		l := start(t, network, logtail.Config{
			Buffer:             logtail.NewMemoryBuffer(maxBytes),
			DisableCompression: true, // makes the test faster
		})
		before := heap()
		for n := range polls {
			l.writeSized(n, n+1, size)
			time.Sleep(5 * time.Second)
			s := l.Stats()
			if s.BufferedBytes > maxBytes {
				t.Fatalf("poll %d: %+v", n, s)
			}
			if n%10_000 == 9_999 {
				grown := heap() - before
				c.Check(grown < 3*maxBytes, qt.IsTrue, qt.Commentf("poll %d: %d bytes", n, grown))
			}
		}
		c.Check(l.lines(), qt.HasLen, 1)
		s := l.Stats()
		c.Check(s.Oldest > time.Hour, qt.IsTrue, qt.Commentf("%v", s.Oldest))
		c.Check(s.Attempts < 3*24*60/2, qt.IsTrue, qt.Commentf("%d attempts", s.Attempts))

		up.Store(true)
		time.Sleep(10 * time.Minute)
		c.Check(l.lines(), qt.HasLen, 2)
		l.drain()
		got := srv.numbers()
		c.Assert(len(got) > maxBytes/(size+150)/2, qt.IsTrue)
		c.Check(got, qt.DeepEquals, count(polls)[polls-len(got):])
		c.Check(srv.dropped(), qt.Equals, uint64(polls-len(got)))
		c.Check(l.Stats().DroppedEntries, qt.Equals, uint64(polls-len(got)))
	})
}

// TestStatsBacklogAgeBeforeFirstRequest checks the age while a Logger delays its first request.
func TestStatsBacklogAgeBeforeFirstRequest(t *testing.T) {
	buf := logtail.NewMemoryBuffer(1 << 20)
	run(t, fail(errRefused), logtail.Config{Buffer: buf}, func(c *qt.C, srv *collector, l *testLogger) {
		l.write(0, 1)
		l.shutdown(0)
		time.Sleep(time.Hour)
		srv.answer(nil)
		l = start(c, srv, logtail.Config{Buffer: buf})
		synctest.Wait()
		s := l.Stats()
		c.Check(s.Attempts, qt.Equals, uint64(0))
		c.Check(s.Oldest >= time.Hour, qt.IsTrue, qt.Commentf("%v", s.Oldest))
		l.drain()
	})
}

// TestBacklogAtStartIsSpread starts a thousand Loggers with a backlog at the same time.
func TestBacklogAtStartIsSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		began := time.Now()
		srv := newCollector(t, nil)
		var loggers []*testLogger
		for range 1000 {
			buf := logtail.NewMemoryBuffer(1000)
			buf.Append([]byte(`{"n":1}`))
			loggers = append(loggers, start(t, srv, logtail.Config{Buffer: buf}))
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		var perSecond [10]int
		for _, r := range srv.seen() {
			perSecond[min(9, r.at.Sub(began)/time.Second)]++
		}
		for i, n := range perSecond {
			c.Check(n > 50 && n < 160, qt.IsTrue, qt.Commentf("second %d: %d requests", i, n))
		}
		for _, l := range loggers {
			l.drain()
		}
	})
}

func TestBacklogIsDrainedInFullBatchesWithoutPause(t *testing.T) {
	for _, delay := range []time.Duration{0, time.Minute} {
		buf := logtail.NewMemoryBuffer(0)
		e := []byte(`{"n":1,"pad":"` + string(slices.Repeat([]byte("x"), 1000)) + `"}`)
		for range 2000 {
			buf.Append(e)
		}
		run(t, nil, logtail.Config{Buffer: buf, FlushDelay: delay}, func(c *qt.C, srv *collector, l *testLogger) {
			time.Sleep(10 * time.Second)
			synctest.Wait()
			c.Check(len(srv.numbers()), qt.Equals, 2000)
			seen := srv.seen()
			c.Check(seen[len(seen)-1].at.Equal(seen[0].at), qt.IsTrue)
			for _, r := range seen[:len(seen)-1] {
				c.Check(len(r.body) > 250<<10 && len(r.body) <= 256<<10, qt.IsTrue, qt.Commentf("%d bytes", len(r.body)))
			}
		})
	}
}

func TestIdleLoggerDoesNothing(t *testing.T) {
	run(t, nil, logtail.Config{}, func(c *qt.C, srv *collector, l *testLogger) {
		time.Sleep(24 * time.Hour)
		c.Check(len(srv.seen()), qt.Equals, 0)
		l.drain()
		c.Check(len(srv.seen()), qt.Equals, 0, qt.Commentf("no entry about start or stop"))
	})
}

// TestTransportReadsBodyLate has a transport that reads a body after the next request, as it may after
// RoundTrip has returned, and then asks for the body again.
func TestTransportReadsBodyLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var held []*http.Request
		l := start(t, roundTripper(func(r *http.Request) (*http.Response, error) {
			held = append(held, r)
			if len(held) == 1 {
				return nil, errors.New("connection lost")
			}
			return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
		}), logtail.Config{DisableCompression: true})
		l.write(0, 1)
		time.Sleep(5 * time.Second) // so that the uploader still has its memory
		l.write(1, 2)
		synctest.Wait()
		qt.Assert(t, held, qt.HasLen, 3, qt.Commentf("the first entry twice, then the second"))

		read := func(body io.ReadCloser) string {
			text, err := io.ReadAll(body)
			qt.Assert(t, err, qt.IsNil)
			return string(text)
		}
		first, second := read(held[0].Body), read(held[2].Body)
		qt.Check(t, first, qt.Contains, `"proc_seq":1}`)
		qt.Check(t, second, qt.Contains, `"proc_seq":2}`)
		again, err := held[0].GetBody()
		qt.Assert(t, err, qt.IsNil)
		qt.Check(t, read(again), qt.Equals, first)
		l.drain()
	})
}
