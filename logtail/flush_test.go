package logtail_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail"
)

func TestFlushDelayGathersEntries(t *testing.T) {
	run(t, nil, logtail.Config{FlushDelay: time.Minute}, func(c *qt.C, srv *collector, l *testLogger) {
		start := time.Now()
		for n := range 24 {
			l.write(n, n+1)
			time.Sleep(5 * time.Second)
		}
		synctest.Wait()
		c.Check(len(srv.seen()) <= 2, qt.IsTrue, qt.Commentf("%d requests in two minutes", len(srv.seen())))
		c.Check(srv.seen()[0].at.Sub(start), qt.Equals, time.Minute)

		requests := len(srv.seen())
		l.write(24, 25)
		c.Assert(l.Flush(c.Context()), qt.IsNil) // ends the delay
		c.Check(srv.numbers(), qt.DeepEquals, count(25))
		l.writeSized(25, 325, 1000) // and so does a full body
		synctest.Wait()
		c.Check(len(srv.seen()) > requests+1, qt.IsTrue)
		l.drain() // and Shutdown
		c.Check(srv.numbers(), qt.DeepEquals, count(325))
	})
}

// TestFlushDelayForRemainderOfFullBody checks that entries which did not fit into a full body wait for
// others, for at most FlushDelay.
func TestFlushDelayForRemainderOfFullBody(t *testing.T) {
	run(t, nil, logtail.Config{FlushDelay: time.Minute}, func(c *qt.C, srv *collector, l *testLogger) {
		synctest.Wait()
		start := time.Now()
		for n := range 30 {
			if n == 28 { // the 26th did not fit
				c.Check(srv.numbers(), qt.DeepEquals, count(25))
			}
			l.writeSized(n, n+1, 10_000)
			time.Sleep(time.Second)
		}
		time.Sleep(2 * time.Minute)
		seen := srv.seen()
		c.Assert(seen, qt.HasLen, 2)
		c.Check(seen[0].at.Sub(start), qt.Equals, 25*time.Second)
		// The oldest remaining entry is from second 25. The uploader only knows that it was written
		// after the entry of second 24.
		c.Check(seen[1].at.Sub(start), qt.Equals, 84*time.Second)
		c.Check(srv.numbers(), qt.DeepEquals, count(30))
	})
}

func TestFlush(t *testing.T) {
	run(t, sequence(500, 500), logtail.Config{}, func(c *qt.C, srv *collector, l *testLogger) {
		c.Check(l.Flush(c.Context()), qt.IsNil, qt.Commentf("without entries"))
		l.write(0, 5)
		ctx, cancel := context.WithTimeout(c.Context(), 500*time.Millisecond)
		defer cancel()
		c.Check(l.Flush(ctx), qt.ErrorIs, context.DeadlineExceeded)
		c.Check(l.Flush(c.Context()), qt.IsNil)
		c.Check(srv.numbers(), qt.DeepEquals, count(5))
		l.drain()
		c.Check(l.Flush(c.Context()), qt.IsNil, qt.Commentf("without entries, after Shutdown"))
	})
}

func TestFlushAfterIncompleteShutdownIsErrClosed(t *testing.T) {
	run(t, status(500), logtail.Config{}, func(c *qt.C, srv *collector, l *testLogger) {
		l.write(0, 1)
		waiting := make(chan error)
		go func() { waiting <- l.Flush(c.Context()) }()
		synctest.Wait()
		checkUndelivered(c, l.shutdown(time.Second), 1, false)
		c.Check(<-waiting, qt.ErrorIs, logtail.ErrClosed)
		c.Check(l.Flush(c.Context()), qt.ErrorIs, logtail.ErrClosed)
	})
}
