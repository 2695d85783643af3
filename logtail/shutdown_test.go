package logtail_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/faultbuffer"
	"github.com/go-netlog/netlog/internal/secrettest"
	"github.com/go-netlog/netlog/logtail"
)

func TestShutdownKeepsItsDeadline(t *testing.T) {
	for _, test := range []struct {
		name   string
		script func(*request) reply
	}{
		{"connection refused", fail(errRefused)},
		{"hung connection", func(*request) reply { return reply{hang: true} }},
		{"slow upload", func(*request) reply { return reply{delay: 30 * time.Second} }},
		{"Retry-After of an hour", func(*request) reply {
			return reply{status: 503, header: http.Header{"Retry-After": {"3600"}}}
		}},
		{"refused by a wrong setting", status(404)},
		{"refused one by one", status(400)},
		{"too large", status(413)},
	} {
		for _, deadline := range []time.Duration{0, time.Second, time.Minute} {
			t.Run(fmt.Sprint(test.name, " ", deadline), func(t *testing.T) {
				run(t, test.script, logtail.Config{}, func(c *qt.C, srv *collector, l *testLogger) {
					l.write(0, 7)
					time.Sleep(10 * time.Second)
					start := time.Now()
					err := l.shutdown(deadline)
					if test.name == "slow upload" && deadline == time.Minute {
						c.Check(err, qt.IsNil)
						return
					}
					c.Check(time.Since(start), qt.Equals, deadline)
					checkUndelivered(c, err, 7, false)
					c.Check(err, qt.ErrorIs, context.DeadlineExceeded)
					_, err = l.Write([]byte("late"))
					c.Check(err, qt.ErrorIs, logtail.ErrClosed)
				})
			})
		}
	}
}

func TestShutdownErrorHoldsDeadlineAndCause(t *testing.T) {
	run(t, status(500), logtail.Config{}, func(c *qt.C, srv *collector, l *testLogger) {
		l.write(0, 1)
		cause := errors.New("the tunnel goes down")
		ctx, cancel := context.WithTimeoutCause(c.Context(), time.Second, cause)
		defer cancel()
		err := l.Shutdown(ctx)
		checkUndelivered(c, err, 1, false)
		c.Check(err, qt.ErrorIs, context.DeadlineExceeded)
		c.Check(err, qt.ErrorIs, cause)
	})
}

func TestShutdownOfHungParts(t *testing.T) {
	for _, part := range []string{"Append", "Peek", "Logf", "a transport that ignores its context"} {
		t.Run(part, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := qt.New(t)
				wait, release := hang()
				buf := faultbuffer.New(0)
				cfg := logtail.Config{Buffer: buf}
				var srv http.RoundTripper = newCollector(t, status(500))
				want := 3
				switch part {
				case "Append":
					buf.Before(faultbuffer.Append, wait)
					want = 1 // the others were not accepted
				case "Peek":
					buf.Before(faultbuffer.Peek, wait)
				case "Logf":
					cfg.Logf = func(string, ...any) { wait() }
				default:
					srv = roundTripper(func(*http.Request) (*http.Response, error) {
						wait()
						return nil, errRefused
					})
				}
				l := start(t, srv, cfg)
				for range 3 {
					go l.Write([]byte(`{}`))
				}
				time.Sleep(time.Second)
				start := time.Now()
				l.Stats()
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				if part != "Append" {
					c.Check(l.Flush(ctx), qt.ErrorIs, context.DeadlineExceeded)
				}
				err := l.Shutdown(ctx)
				c.Check(time.Since(start) <= time.Second+200*time.Millisecond, qt.IsTrue, qt.Commentf("%v", time.Since(start)))
				undelivered, ok := errors.AsType[*logtail.UndeliveredError](err)
				c.Assert(ok, qt.IsTrue, qt.Commentf("%v", err))
				c.Check(undelivered.Entries, qt.Equals, want)
				l.Stats()
				release() // the bubble checks that no goroutine is left then
			})
		})
	}
}

func TestShutdownDelivers(t *testing.T) {
	run(t, sequence(500, 429, 503), logtail.Config{FlushDelay: time.Hour}, func(c *qt.C, srv *collector, l *testLogger) {
		l.write(0, 100)
		c.Check(l.shutdown(10*time.Minute), qt.IsNil)
		c.Check(srv.numbers(), qt.DeepEquals, count(100))
	})
}

func TestShutdownOfNothing(t *testing.T) {
	run(t, nil, logtail.Config{}, func(c *qt.C, srv *collector, l *testLogger) {
		ctx, cancel := context.WithCancel(c.Context())
		cancel()
		c.Check(l.Shutdown(ctx), qt.IsNil)
		c.Check(l.Shutdown(ctx), qt.IsNil)
		l.lose(logtail.ErrClosed)
		c.Check(l.WriteObject(func(b []byte) []byte { return b }), qt.ErrorIs, logtail.ErrClosed)
		c.Check(l.Stats().DroppedEntries, qt.Equals, uint64(0))
	})
}

// TestShutdownTriesOnceMore checks that Shutdown ends a pause once, since the network may work again.
func TestShutdownTriesOnceMore(t *testing.T) {
	run(t, fail(errRefused), logtail.Config{}, func(c *qt.C, srv *collector, l *testLogger) {
		l.write(0, 1)
		time.Sleep(time.Hour)
		srv.answer(nil)
		start := time.Now()
		c.Check(l.shutdown(time.Minute), qt.IsNil)
		c.Check(time.Since(start), qt.Equals, time.Duration(0))
	})
}

func TestConcurrentShutdownsShareOneResult(t *testing.T) {
	for _, code := range []int{200, 503} {
		run(t, func(*request) reply { return reply{status: code, delay: time.Second} }, logtail.Config{}, func(c *qt.C, srv *collector, l *testLogger) {
			l.write(0, 3)
			ctx, cancel := context.WithTimeout(c.Context(), 10*time.Second)
			defer cancel()
			results := make([]error, 50)
			var wg sync.WaitGroup
			for i := range results {
				wg.Go(func() { results[i] = l.Shutdown(ctx) })
			}
			wg.Wait()
			for _, err := range append(results, l.Shutdown(c.Context())) {
				if code == 200 {
					c.Check(err, qt.IsNil)
				} else {
					checkUndelivered(c, err, 3, false)
				}
			}
		})
	}
}

func TestWaitingShutdownKeepsItsOwnDeadline(t *testing.T) {
	run(t, status(503), logtail.Config{}, func(c *qt.C, srv *collector, l *testLogger) {
		l.write(0, 3)
		go l.shutdown(time.Hour)
		synctest.Wait()
		start := time.Now()
		checkUndelivered(c, l.shutdown(time.Second), 3, false)
		c.Check(time.Since(start), qt.Equals, time.Second)
		time.Sleep(time.Hour)
	})
}

func TestUndeliveredErrorText(t *testing.T) {
	for want, err := range map[string]logtail.UndeliveredError{
		"logtail: 2 entries (9 bytes) not delivered, lost: context canceled": {Entries: 2, Bytes: 9},
		"logtail: 2 entries (9 bytes) not delivered, kept: context canceled": {Entries: 2, Bytes: 9, Kept: true},
		"logtail: 0 entries (0 bytes) not delivered: context canceled":       {}, // nothing is lost
	} {
		err.Err = context.Canceled
		qt.Check(t, err.Error(), qt.Equals, want)
	}
}

// TestNextLoggerDeliversWhatWasKept has an outage until the end of a Logger, whose Buffer belongs
// to the caller. The next Logger must deliver its entries.
func TestNextLoggerDeliversWhatWasKept(t *testing.T) {
	buf := logtail.NewMemoryBuffer(4000)
	run(t, status(500), logtail.Config{Buffer: buf}, func(c *qt.C, srv *collector, l *testLogger) {
		l.write(0, 100)
		_, err := logtail.NewLogger(logtail.Config{Collection: "x", PrivateID: secrettest.NewID(), Buffer: buf})
		c.Check(err, qt.ErrorIs, logtail.ErrBufferInUse)
		time.Sleep(time.Minute)
		err = l.shutdown(time.Second)
		checkUndelivered(c, err, buf.Stats().Entries, true)
		dropped := buf.Stats().DroppedEntries
		c.Check(err, qt.ErrorMatches, `logtail: \d+ entries \(\d+ bytes\) not delivered, kept: context deadline exceeded; the last attempt: the server answers 500.*`)

		srv.answer(nil)
		l = start(c, srv, logtail.Config{Buffer: buf})
		c.Check(l.Stats().DroppedEntries, qt.Equals, uint64(0))
		l.drain()
		got := srv.numbers()
		c.Check(got, qt.DeepEquals, count(100)[100-len(got):])
		// The report includes the entries dropped to make room for it.
		c.Check(srv.dropped(), qt.Equals, uint64(100-len(got)))
		c.Check(srv.dropped() >= dropped, qt.IsTrue)
		checkInOrder(c, srv.accepted())
	})
}

// TestConcurrentUse calls all methods at the same time, for the race detector.
func TestConcurrentUse(t *testing.T) {
	run(t, func(r *request) reply {
		if r.n%3 == 0 {
			return reply{status: 500}
		}
		return reply{}
	}, logtail.Config{}, func(c *qt.C, srv *collector, l *testLogger) {
		var wg sync.WaitGroup
		var accepted atomic.Int64
		for w := range 8 {
			wg.Go(func() {
				for i := range 50 {
					var err error
					if w%2 == 0 {
						_, err = l.Write([]byte(`{"n":1}`))
					} else {
						err = l.WriteObject(func(b []byte) []byte { return append(b, `"n":1`...) })
					}
					if err == nil {
						accepted.Add(1)
					}
					l.Stats()
					if i%10 == 0 {
						l.Flush(c.Context())
					}
				}
			})
		}
		time.Sleep(2 * time.Second)
		l.drain()
		wg.Wait()
		c.Check(len(srv.accepted()), qt.Equals, int(accepted.Load()))
		checkInOrder(c, srv.accepted())
		c.Check(l.Stats().DeliveredEntries, qt.Equals, uint64(accepted.Load()))
	})
}
