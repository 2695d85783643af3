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

	"github.com/go-netlog/netlog/internal/secrettest"
	"github.com/go-netlog/netlog/logtail"
)

// The deadline of Shutdown holds whatever the server, the disk or a callback does.
func TestShutdownKeepsItsDeadline(t *testing.T) {
	var log func(string, ...any)
	wake := make(chan struct{})
	defer close(wake)
	for _, test := range []struct {
		name   string
		script func(*request) reply
		change func(*logtail.Config)
	}{
		{"connection refused", func(*request) reply { return reply{err: errRefused} }, nil},
		{"hung connection", func(*request) reply { return reply{hang: true} }, nil},
		{"slow upload", func(*request) reply { return reply{delay: 30 * time.Second} }, nil},
		{"Retry-After of an hour", func(*request) reply {
			return reply{status: 503, header: http.Header{"Retry-After": {"3600"}}}
		}, nil},
		{"refused for good", status(404), nil},
		{"refused one by one", status(400), nil},
		{"too large", status(413), nil},
	} {
		for _, deadline := range []time.Duration{0, time.Second, time.Minute} {
			t.Run(fmt.Sprint(test.name, " ", deadline), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c := qt.New(t)
					srv := newCollector(t, test.script)
					l := startLogger(t, srv, func(cfg *logtail.Config) { cfg.Logf = log })
					write(t, l, 0, 7)
					time.Sleep(10 * time.Second)
					start := time.Now()
					err := shutdown(t, l, deadline)
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

// Whatever reason a caller gives his context, errors.Is finds both.
func TestShutdownErrorHoldsDeadlineAndCause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		l := startLogger(t, newCollector(t, status(500)), nil)
		write(t, l, 0, 1)
		why := errors.New("the tunnel goes down")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, why)
		defer cancel()
		err := l.Shutdown(ctx)
		checkUndelivered(c, err, 1, false)
		c.Check(err, qt.ErrorIs, context.DeadlineExceeded)
		c.Check(err, qt.ErrorIs, why)
	})
}

func TestShutdownOfHungParts(t *testing.T) {
	for _, test := range []struct {
		name string
		hang func(b *fakeBuffer, cfg *logtail.Config)
	}{
		{"append", func(b *fakeBuffer, cfg *logtail.Config) { b.hangAppend.Store(true) }},
		{"peek", func(b *fakeBuffer, cfg *logtail.Config) { b.hangPeek.Store(true) }},
		{"logf", func(b *fakeBuffer, cfg *logtail.Config) {
			cfg.Logf = func(string, ...any) { <-b.wake }
		}},
		{"a transport that ignores its context", func(b *fakeBuffer, cfg *logtail.Config) {
			cfg.HTTPClient = &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) {
				<-b.wake
				return nil, errRefused
			})}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := qt.New(t)
				buf := &fakeBuffer{Buffer: logtail.NewMemoryBuffer(0), wake: make(chan struct{})}
				srv := newCollector(t, status(500))
				l := startLogger(t, srv, func(cfg *logtail.Config) {
					cfg.Buffer = buf
					test.hang(buf, cfg)
				})
				for range 3 {
					go l.Write([]byte(`{}`))
				}
				time.Sleep(time.Second)
				start := time.Now()
				l.Stats()
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				if test.name != "append" {
					c.Check(l.Flush(ctx), qt.ErrorIs, context.DeadlineExceeded)
				}
				err := l.Shutdown(ctx)
				c.Check(time.Since(start) <= time.Second+200*time.Millisecond, qt.IsTrue, qt.Commentf("%v", time.Since(start)))
				undelivered, ok := errors.AsType[*logtail.UndeliveredError](err)
				c.Assert(ok, qt.IsTrue, qt.Commentf("%v", err))
				want := 3
				if test.name == "append" {
					want = 1 // the others were not accepted
				}
				c.Check(undelivered.Entries, qt.Equals, want)
				l.Stats()
				close(buf.wake) // and nothing is left behind then
			})
		})
	}
}

func TestShutdownDelivers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		srv := newCollector(t, sequence(500, 429, 503))
		l := startLogger(t, srv, func(cfg *logtail.Config) { cfg.FlushDelay = time.Hour })
		write(t, l, 0, 100)
		c.Check(shutdown(t, l, 10*time.Minute), qt.IsNil)
		c.Check(srv.numbers(), qt.DeepEquals, count(100))
	})
}

func TestShutdownOfNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		l := startLogger(t, newCollector(t, nil), nil)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		c.Check(l.Shutdown(ctx), qt.IsNil)
		c.Check(l.Shutdown(ctx), qt.IsNil)
		_, err := l.Write([]byte("x"))
		c.Check(err, qt.ErrorIs, logtail.ErrClosed)
		c.Check(l.WriteObject(func(b []byte) []byte { return b }), qt.ErrorIs, logtail.ErrClosed)
		c.Check(l.Stats().DroppedEntries, qt.Equals, uint64(0))
	})
}

// A backoff that began before Shutdown is cut short once: the network may be
// back. A server that asked for time is left alone.
func TestShutdownTriesOnceMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		var up atomic.Bool
		srv := newCollector(t, func(*request) reply {
			if up.Load() {
				return reply{}
			}
			return reply{err: errRefused}
		})
		l := startLogger(t, srv, nil)
		write(t, l, 0, 1)
		time.Sleep(time.Hour)
		up.Store(true)
		start := time.Now()
		c.Check(shutdown(t, l, time.Minute), qt.IsNil)
		c.Check(time.Since(start), qt.Equals, time.Duration(0))
	})
}

func TestConcurrentShutdownsShareOneResult(t *testing.T) {
	for _, code := range []int{200, 503} {
		synctest.Test(t, func(t *testing.T) {
			c := qt.New(t)
			srv := newCollector(t, func(*request) reply { return reply{status: code, delay: time.Second} })
			l := startLogger(t, srv, nil)
			write(t, l, 0, 3)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			results := make(chan error, 50)
			var wg sync.WaitGroup
			for range cap(results) {
				wg.Go(func() { results <- l.Shutdown(ctx) })
			}
			wg.Wait()
			first := <-results
			for range cap(results) - 1 {
				err := <-results
				if code == 200 {
					c.Check(err, qt.IsNil)
				} else {
					checkUndelivered(c, err, 3, false)
				}
			}
			c.Check(first == nil, qt.Equals, code == 200)
			c.Check(l.Shutdown(t.Context()) == nil, qt.Equals, code == 200, qt.Commentf("later"))
		})
	}
}

func TestWaitingShutdownKeepsItsOwnDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		srv := newCollector(t, status(503))
		l := startLogger(t, srv, nil)
		write(t, l, 0, 3)
		go shutdown(t, l, time.Hour)
		synctest.Wait()
		start := time.Now()
		checkUndelivered(c, shutdown(t, l, time.Second), 3, false)
		c.Check(time.Since(start), qt.Equals, time.Second)
		time.Sleep(time.Hour)
	})
}

// What an outage left in the caller's Buffer goes out with the next Logger.
func TestNextLoggerDeliversWhatWasKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		buf := logtail.NewMemoryBuffer(4000)
		var up atomic.Bool
		srv := newCollector(t, func(*request) reply {
			if up.Load() {
				return reply{}
			}
			return reply{status: 500}
		})
		withBuffer := func(cfg *logtail.Config) { cfg.Buffer = buf }
		l := startLogger(t, srv, withBuffer)
		write(t, l, 0, 100)
		_, err := logtail.NewLogger(logtail.Config{Collection: "x", PrivateID: secrettest.NewID(), Buffer: buf})
		c.Check(err, qt.ErrorIs, logtail.ErrBufferInUse)
		time.Sleep(time.Minute)
		err = shutdown(t, l, time.Second)
		checkUndelivered(c, err, buf.Stats().Entries, true)
		dropped := buf.Stats().DroppedEntries
		c.Check(err, qt.ErrorMatches, `logtail: \d+ entries \(\d+ bytes\) not delivered, kept: context deadline exceeded; the last attempt: the server answers 500.*`)

		up.Store(true)
		l = startLogger(t, srv, withBuffer)
		c.Check(l.Stats().DroppedEntries, qt.Equals, uint64(0))
		drain(t, l)
		got := srv.numbers()
		c.Check(got, qt.DeepEquals, count(100)[100-len(got):])
		// The report made room for itself, which it tells as well.
		c.Check(srv.dropped(), qt.Equals, uint64(100-len(got)))
		c.Check(srv.dropped() >= dropped, qt.IsTrue)
		checkInOrder(c, srv.accepted())
	})
}

// A Logf that writes back, and one that asks for Stats.
func TestLogfMayUseTheLogger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		srv := newCollector(t, sequence(500))
		var l atomic.Pointer[logtail.Logger]
		first := startLogger(t, srv, func(cfg *logtail.Config) {
			cfg.Logf = func(format string, args ...any) {
				l.Load().Logf(format, args...)
				l.Load().Stats()
			}
		})
		l.Store(first)
		write(t, first, 0, 1)
		time.Sleep(time.Hour)
		drain(t, first)
		c.Check(len(srv.accepted()), qt.Equals, 3)
	})
}

// Many goroutines at once, for the race detector.
func TestConcurrentUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		srv := newCollector(t, func(r *request) reply {
			if r.n%3 == 0 {
				return reply{status: 500}
			}
			return reply{}
		})
		l := startLogger(t, srv, nil)
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
						l.Flush(t.Context())
					}
				}
			})
		}
		time.Sleep(2 * time.Second)
		drain(t, l)
		wg.Wait()
		c.Check(len(srv.accepted()), qt.Equals, int(accepted.Load()))
		checkInOrder(c, srv.accepted())
		c.Check(l.Stats().DeliveredEntries, qt.Equals, uint64(accepted.Load()))
	})
}
