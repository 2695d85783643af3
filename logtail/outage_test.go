package logtail_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail"
)

// Three days without a server, with an entry every 5 s: the buffer stays in its
// bound, and what it kept arrives in order afterwards.
func TestThreeDaysOfOutage(t *testing.T) {
	const (
		maxBytes = 1 << 20
		polls    = 3 * 24 * 3600 / 5
		size     = 200
	)
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		var log logLines
		var up atomic.Bool
		srv := newCollector(t, nil)
		network := roundTripper(func(r *http.Request) (*http.Response, error) {
			if !up.Load() {
				return nil, errRefused
			}
			return srv.RoundTrip(r)
		})
		l := startLogger(t, network, func(cfg *logtail.Config) {
			cfg.Buffer = logtail.NewMemoryBuffer(maxBytes)
			cfg.Logf = log.Logf
			cfg.DisableCompression = true // to save the time of the test
		})
		before := heap()
		for n := range polls {
			writeSized(t, l, n, size)
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
		c.Check(log.all(), qt.HasLen, 1)
		s := l.Stats()
		c.Check(s.Oldest > time.Hour, qt.IsTrue, qt.Commentf("%v", s.Oldest))
		c.Check(s.Attempts < 3*24*60/2, qt.IsTrue, qt.Commentf("%d attempts", s.Attempts))

		up.Store(true)
		time.Sleep(10 * time.Minute)
		c.Check(log.all(), qt.HasLen, 2)
		drain(t, l)
		got := srv.numbers()
		c.Assert(len(got) > maxBytes/(size+150)/2, qt.IsTrue)
		c.Check(got, qt.DeepEquals, count(polls)[polls-len(got):])
		c.Check(srv.dropped(), qt.Equals, uint64(polls-len(got)))
		c.Check(l.Stats().DroppedEntries, qt.Equals, uint64(polls-len(got)))
	})
}

// TestStatsBacklogAgeBeforeFirstRequest checks the age before the first request, which a Logger delays at its start.
func TestStatsBacklogAgeBeforeFirstRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		buf := logtail.NewMemoryBuffer(1 << 20)
		keep := func(cfg *logtail.Config) { cfg.Buffer = buf }
		down := roundTripper(func(*http.Request) (*http.Response, error) { return nil, errRefused })
		l := startLogger(t, down, keep)
		write(t, l, 0, 1)
		shutdown(t, l, 0)
		time.Sleep(time.Hour)
		srv := newCollector(t, nil)
		l = startLogger(t, srv, keep)
		synctest.Wait()
		s := l.Stats()
		c.Check(s.Attempts, qt.Equals, uint64(0))
		c.Check(s.Oldest >= time.Hour, qt.IsTrue, qt.Commentf("%v", s.Oldest))
		drain(t, l)
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestDropReportNeedsNoWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		srv := newCollector(t, sequence(500, 500))
		l := startLogger(t, srv, func(cfg *logtail.Config) { cfg.Buffer = logtail.NewMemoryBuffer(2000) })
		write(t, l, 0, 100)
		time.Sleep(time.Hour)
		kept := srv.numbers()
		all := srv.accepted()
		c.Assert(len(all), qt.Equals, len(kept)+1)
		report := all[len(all)-1]
		c.Check(int(report.DroppedEntries), qt.Equals, 100-len(kept))
		c.Check(report.DroppedBytes, qt.Equals, l.Stats().DroppedBytes)
		c.Check(report.Text, qt.IsNotNil)
		checkInOrder(c, all)
		drain(t, l)
		c.Check(len(srv.accepted()), qt.Equals, len(all))
	})
}

func TestDropReportSurvivesItsBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		var down atomic.Bool
		down.Store(true)
		srv := newCollector(t, func(r *request) reply {
			if down.Load() || len(r.entries) > 0 && r.entries[len(r.entries)-1].DroppedEntries > 0 && r.n < 12 {
				return reply{status: 503}
			}
			return reply{}
		})
		l := startLogger(t, srv, func(cfg *logtail.Config) { cfg.Buffer = logtail.NewMemoryBuffer(2000) })
		write(t, l, 0, 50)
		time.Sleep(10 * time.Second)
		down.Store(false)
		time.Sleep(time.Minute)
		// The report is in the buffer now, refused, and is dropped with the rest.
		write(t, l, 50, 150)
		time.Sleep(2 * time.Hour)
		write(t, l, 150, 151)
		drain(t, l)
		s := l.Stats()
		c.Check(srv.dropped(), qt.Equals, s.DroppedEntries)
		var bytes uint64
		reports := 0
		for _, e := range srv.accepted() {
			bytes += e.DroppedBytes
			if e.DroppedEntries > 0 {
				reports++
			}
		}
		c.Check(bytes, qt.Equals, s.DroppedBytes)
		// All written entries and reports were delivered or dropped.
		c.Check(s.DeliveredEntries, qt.Equals, uint64(len(srv.accepted())))
		checkInOrder(c, srv.accepted())
		c.Check(gaps(srv.accepted()), qt.Equals, s.DroppedEntries)
		c.Check(reports >= 1, qt.IsTrue)
	})
}

// checkInOrder checks that sequence numbers rise.
func checkInOrder(c *qt.C, entries []entry) {
	c.Helper()
	for i := 1; i < len(entries); i++ {
		a, b := entries[i-1].Logtail.ProcSeq, entries[i].Logtail.ProcSeq
		c.Check(a < b, qt.IsTrue, qt.Commentf("%d before %d", a, b))
	}
}

// gaps returns how many sequence numbers are missing from 1 to the last.
func gaps(entries []entry) uint64 {
	return entries[len(entries)-1].Logtail.ProcSeq - uint64(len(entries))
}

// A failing disk: what was not accepted is counted and told when it works again.
func TestDropReportFailingBuffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		buf := &fakeBuffer{Buffer: logtail.NewMemoryBuffer(0)}
		srv := newCollector(t, nil)
		l := startLogger(t, srv, func(cfg *logtail.Config) { cfg.Buffer = buf })
		write(t, l, 0, 10)
		time.Sleep(time.Second)
		buf.appendErr.Store(true)
		for range 5 {
			_, err := l.Write([]byte(`{}`))
			c.Check(err, qt.ErrorMatches, "no space")
		}
		time.Sleep(time.Second)
		c.Check(l.Stats().DroppedEntries, qt.Equals, uint64(5))
		buf.appendErr.Store(false)
		time.Sleep(time.Hour)
		write(t, l, 10, 20)
		drain(t, l)
		c.Check(srv.numbers(), qt.DeepEquals, count(20))
		c.Check(srv.dropped(), qt.Equals, uint64(5))
		checkInOrder(c, srv.accepted())
		c.Check(gaps(srv.accepted()), qt.Equals, uint64(5))
	})
}

// fakeBuffer is a Buffer that fails or hangs when told to.
type fakeBuffer struct {
	logtail.Buffer
	appendErr, peekErr, ackErr atomic.Bool
	hangAppend, hangPeek       atomic.Bool
	wake                       chan struct{} // closed to end what hangs
}

func (b *fakeBuffer) Append(e []byte) error {
	if b.appendErr.Load() {
		return errors.New("no space")
	}
	if b.hangAppend.Load() {
		<-b.wake
	}
	return b.Buffer.Append(e)
}

func (b *fakeBuffer) Peek(limit int) ([][]byte, uint64, error) {
	if b.peekErr.Load() {
		return nil, 0, errors.New("input/output error")
	}
	if b.hangPeek.Load() {
		<-b.wake
	}
	return b.Buffer.Peek(limit)
}

func (b *fakeBuffer) Ack(through uint64) error {
	if b.ackErr.Load() {
		return errors.New("input/output error")
	}
	return b.Buffer.Ack(through)
}

func TestBufferReadErrorRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		var log logLines
		buf := &fakeBuffer{Buffer: logtail.NewMemoryBuffer(0)}
		buf.peekErr.Store(true)
		srv := newCollector(t, nil)
		l := startLogger(t, srv, func(cfg *logtail.Config) { cfg.Buffer, cfg.Logf = buf, log.Logf })
		write(t, l, 0, 10)
		time.Sleep(time.Hour)
		c.Check(log.all(), qt.HasLen, 1)
		buf.peekErr.Store(false)
		time.Sleep(time.Hour)
		c.Check(srv.numbers(), qt.DeepEquals, count(10))
		drain(t, l)
	})
}

func TestBufferAckErrorSendsNothingTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		buf := &fakeBuffer{Buffer: logtail.NewMemoryBuffer(0)}
		buf.ackErr.Store(true)
		srv := newCollector(t, nil)
		l := startLogger(t, srv, func(cfg *logtail.Config) { cfg.Buffer = buf })
		write(t, l, 0, 10)
		time.Sleep(time.Hour)
		write(t, l, 10, 20)
		time.Sleep(time.Hour)
		buf.ackErr.Store(false)
		time.Sleep(time.Hour)
		c.Check(srv.numbers(), qt.DeepEquals, count(20))
		drain(t, l)
	})
}

// A Buffer that gave entries away, but could not record it: they are delivered.
func TestBufferAckErrorCountsAsDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		var log logLines
		srv := newCollector(t, nil)
		l := startLogger(t, srv, func(cfg *logtail.Config) {
			cfg.Buffer, cfg.Logf = forgetful{logtail.NewMemoryBuffer(0)}, log.Logf
		})
		for n := range 3 {
			write(t, l, n, n+1)
			time.Sleep(time.Second)
		}
		c.Check(l.Stats().DeliveredEntries, qt.Equals, uint64(3))
		c.Check(srv.numbers(), qt.DeepEquals, count(3))
		c.Check(len(srv.seen()), qt.Equals, 3)
		c.Check(log.all(), qt.DeepEquals, []string{"logtail: the cursor was not written"})
		drain(t, l)
	})
}

// forgetful is a Buffer whose Ack fails after the entries have left it.
type forgetful struct{ logtail.Buffer }

func (b forgetful) Ack(through uint64) error {
	b.Buffer.Ack(through)
	return errors.New("the cursor was not written")
}

// An entry that the full buffer drops while it is under way counts as dropped,
// and as nothing else.
func TestDroppedInFlightIsCountedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		srv := newCollector(t, func(r *request) reply { return reply{delay: 10 * time.Second} })
		l := startLogger(t, srv, func(cfg *logtail.Config) { cfg.Buffer = logtail.NewMemoryBuffer(3000) })
		write(t, l, 0, 10)
		time.Sleep(time.Second) // under way
		write(t, l, 10, 30)
		time.Sleep(time.Hour)
		drain(t, l)
		s := l.Stats()
		reports := uint64(0)
		for _, e := range srv.accepted() {
			if e.DroppedEntries > 0 {
				reports++
			}
		}
		c.Check(s.DeliveredEntries+s.DroppedEntries, qt.Equals, 30+reports)
		c.Check(srv.dropped(), qt.Equals, s.DroppedEntries)
		c.Check(len(srv.numbers()) >= 30-int(s.DroppedEntries), qt.IsTrue)
	})
}

// A thousand nodes that come back at once do not send at once.
func TestBacklogAtStartIsSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		start := time.Now()
		srv := newCollector(t, nil)
		var loggers []*logtail.Logger
		for range 1000 {
			buf := logtail.NewMemoryBuffer(1000)
			buf.Append([]byte(`{"n":1}`))
			loggers = append(loggers, startLogger(t, srv, func(cfg *logtail.Config) { cfg.Buffer = buf }))
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		var perSecond [10]int
		for _, r := range srv.seen() {
			perSecond[min(9, r.at.Sub(start)/time.Second)]++
		}
		for i, n := range perSecond {
			c.Check(n > 50 && n < 160, qt.IsTrue, qt.Commentf("second %d: %d requests", i, n))
		}
		for _, l := range loggers {
			drain(t, l)
		}
	})
}

func TestBacklogIsDrainedInFullBatchesWithoutPause(t *testing.T) {
	for _, delay := range []time.Duration{0, time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			c := qt.New(t)
			buf := logtail.NewMemoryBuffer(0)
			e := []byte(`{"n":1,"pad":"` + string(slices.Repeat([]byte("x"), 1000)) + `"}`)
			for range 2000 {
				buf.Append(e)
			}
			srv := newCollector(t, nil)
			l := startLogger(t, srv, func(cfg *logtail.Config) { cfg.Buffer, cfg.FlushDelay = buf, delay })
			time.Sleep(10 * time.Second)
			synctest.Wait()
			c.Check(len(srv.numbers()), qt.Equals, 2000)
			seen := srv.seen()
			c.Check(seen[len(seen)-1].at.Equal(seen[0].at), qt.IsTrue)
			for _, r := range seen[:len(seen)-1] {
				c.Check(len(r.body) > 250<<10 && len(r.body) <= 256<<10, qt.IsTrue, qt.Commentf("%d bytes", len(r.body)))
			}
			drain(t, l)
		})
	}
}

func TestFlushDelayGathersEntries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		srv := newCollector(t, nil)
		l := startLogger(t, srv, func(cfg *logtail.Config) { cfg.FlushDelay = time.Minute })
		start := time.Now()
		for n := range 24 {
			write(t, l, n, n+1)
			time.Sleep(5 * time.Second)
		}
		synctest.Wait()
		c.Check(len(srv.seen()) <= 2, qt.IsTrue, qt.Commentf("%d requests in two minutes", len(srv.seen())))
		c.Check(srv.seen()[0].at.Sub(start), qt.Equals, time.Minute)

		requests := len(srv.seen())
		write(t, l, 24, 25)
		c.Assert(l.Flush(t.Context()), qt.IsNil) // cuts it short
		c.Check(srv.numbers(), qt.DeepEquals, count(25))
		for n := 25; n < 325; n++ { // so does a full body
			writeSized(t, l, n, 1000)
		}
		synctest.Wait()
		c.Check(len(srv.seen()) > requests+1, qt.IsTrue)
		drain(t, l) // and the end
		c.Check(srv.numbers(), qt.DeepEquals, count(325))
	})
}

// What a full body left behind is no backlog: it waits for others, as long as it
// may.
func TestFlushDelayForRemainderOfFullBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		srv := newCollector(t, nil)
		l := startLogger(t, srv, func(cfg *logtail.Config) { cfg.FlushDelay = time.Minute })
		synctest.Wait()
		start := time.Now()
		for n := range 30 {
			if n == 28 { // the 26th was too much for one body
				c.Check(srv.numbers(), qt.DeepEquals, count(25))
			}
			writeSized(t, l, n, 10_000)
			time.Sleep(time.Second)
		}
		time.Sleep(2 * time.Minute)
		seen := srv.seen()
		c.Assert(seen, qt.HasLen, 2)
		c.Check(seen[0].at.Sub(start), qt.Equals, 25*time.Second)
		// The oldest that was left is from second 25; what is known for sure is that
		// it came after that of second 24.
		c.Check(seen[1].at.Sub(start), qt.Equals, 84*time.Second)
		c.Check(srv.numbers(), qt.DeepEquals, count(30))
		drain(t, l)
	})
}

func TestFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		srv := newCollector(t, sequence(500, 500))
		l := startLogger(t, srv, nil)
		c.Check(l.Flush(t.Context()), qt.IsNil, qt.Commentf("of nothing"))
		write(t, l, 0, 5)
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		c.Check(l.Flush(ctx), qt.ErrorIs, context.DeadlineExceeded)
		c.Check(l.Flush(t.Context()), qt.IsNil)
		c.Check(srv.numbers(), qt.DeepEquals, count(5))
		drain(t, l)
		c.Check(l.Flush(t.Context()), qt.IsNil, qt.Commentf("of nothing, after Shutdown"))
	})
}

func TestFlushAfterIncompleteShutdownIsErrClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		l := startLogger(t, newCollector(t, status(500)), nil)
		write(t, l, 0, 1)
		waiting := make(chan error)
		go func() { waiting <- l.Flush(t.Context()) }()
		synctest.Wait()
		checkUndelivered(c, shutdown(t, l, time.Second), 1, false)
		c.Check(<-waiting, qt.ErrorIs, logtail.ErrClosed)
		c.Check(l.Flush(t.Context()), qt.ErrorIs, logtail.ErrClosed)
	})
}

func TestIdleLoggerDoesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		srv := newCollector(t, nil)
		l := startLogger(t, srv, nil)
		time.Sleep(24 * time.Hour)
		c.Check(len(srv.seen()), qt.Equals, 0)
		drain(t, l)
		c.Check(len(srv.seen()), qt.Equals, 0, qt.Commentf("no start or stop banner"))
	})
}

// client returns a client whose requests all fail.
func client(err error) *http.Client {
	return &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) { return nil, err })}
}

// accept answers 204 to everything and keeps nothing.
type accept struct{}

func (accept) RoundTrip(r *http.Request) (*http.Response, error) {
	defer r.Body.Close()
	io.Copy(io.Discard, r.Body)
	return &http.Response{StatusCode: 204, Body: http.NoBody, Request: r}, nil
}

// The buffer drops entries of a batch that is being halved, over long pauses.
func TestBatchDroppedWhileHalved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		var mended atomic.Bool
		srv := newCollector(t, func(*request) reply {
			if mended.Load() {
				return reply{}
			}
			return reply{status: 400}
		})
		l := startLogger(t, srv, func(cfg *logtail.Config) { cfg.Buffer = logtail.NewMemoryBuffer(20_000) })
		const n = 2000
		for i := range n {
			write(t, l, i, i+1)
			time.Sleep(5 * time.Second)
		}
		mended.Store(true)
		time.Sleep(time.Hour)
		drain(t, l)
		s := l.Stats()
		c.Check(s.RefusedEntries, qt.Equals, uint64(0))
		reports := uint64(0)
		received := map[int]bool{}
		for _, e := range srv.accepted() {
			if e.DroppedEntries > 0 {
				reports++
			} else {
				received[*e.N] = true
			}
		}
		c.Check(s.DeliveredEntries+s.DroppedEntries, qt.Equals, n+reports)
		c.Check(srv.dropped(), qt.Equals, s.DroppedEntries)
		for i := int(s.DroppedEntries); i < n; i++ {
			c.Check(received[i], qt.IsTrue, qt.Commentf("entry %d", i))
		}
	})
}

// TestTransportReadsBodyLate has a transport that reads a body only after the next request, as
// one may after RoundTrip has returned, and asks for it again.
func TestTransportReadsBodyLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var held []*http.Request
		l := startLogger(t, roundTripper(func(r *http.Request) (*http.Response, error) {
			held = append(held, r)
			if len(held) == 1 {
				return nil, errors.New("connection lost")
			}
			return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
		}), func(cfg *logtail.Config) { cfg.DisableCompression = true })
		write(t, l, 0, 1)
		time.Sleep(5 * time.Second) // so that the uploader still has its memory
		write(t, l, 1, 2)
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
		drain(t, l)
	})
}
