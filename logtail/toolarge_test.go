package logtail_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail"
)

func TestTooLargeBatchIsHalved(t *testing.T) {
	const limit = 64 << 10
	run(t, refuseLarger(limit), logtail.Config{FlushDelay: time.Second}, func(c *qt.C, srv *collector, l *testLogger) {
		l.writeSized(0, 1000, 1000)
		l.drain()
		c.Check(srv.numbers(), qt.DeepEquals, count(1000))
		refused := 0
		for _, r := range srv.seen() {
			if len(r.body) > limit {
				refused++
			}
		}
		// 1.1 MiB is 18 requests of the limit. The uploader remembers the limit, and tries a larger
		// body after 16 successes.
		c.Check(refused >= 2 && refused <= 8, qt.IsTrue, qt.Commentf("%d refused", refused))
		c.Check(l.Stats().RefusedEntries, qt.Equals, uint64(0))
	})
}

func TestTooLargeBatchRestSentSmallerAtOnce(t *testing.T) {
	const limit = 40 << 10
	run(t, refuseLarger(limit), logtail.Config{FlushDelay: time.Second}, func(c *qt.C, srv *collector, l *testLogger) {
		l.writeSized(0, 200, 1000)
		l.drain()
		c.Check(srv.numbers(), qt.DeepEquals, count(200))
		smallest := 1 << 30
		for _, r := range srv.seen() {
			if len(r.body) > limit {
				c.Check(len(r.body) < smallest, qt.IsTrue, qt.Commentf("%d bytes after %d were refused", len(r.body), smallest))
				smallest = len(r.body)
			}
		}
	})
}

func TestTooLargeEntryDroppedAfterSmallerAccepted(t *testing.T) {
	const n = 100
	for _, at := range []int{0, 50, n - 1} {
		t.Run(fmt.Sprint("at ", at), func(t *testing.T) {
			run(t, refuseLarger(290<<10), logtail.Config{FlushDelay: time.Second}, func(c *qt.C, srv *collector, l *testLogger) {
				l.writeSized(0, at, 100)
				l.writeSized(at, at+1, 300<<10)
				l.writeSized(at+1, n, 100)
				l.drain()
				c.Check(distinct(srv.numbers()), qt.DeepEquals, slices.Delete(count(n), at, at+1))
				c.Check(l.Stats().RefusedEntries, qt.Equals, uint64(1))
			})
		})
	}
}

func TestTooLargeEntryKeptWithoutSmallerAccepted(t *testing.T) {
	run(t, status(413), logtail.Config{}, func(c *qt.C, srv *collector, l *testLogger) {
		l.write(0, 3)
		time.Sleep(24 * time.Hour)
		c.Check(l.Stats().BufferedEntries, qt.Equals, 3)
		c.Check(len(srv.seen()) < 800, qt.IsTrue, qt.Commentf("%d requests", len(srv.seen())))
		checkUndelivered(c, l.shutdown(time.Second), 3, false)
	})
}

// TestTooLargeEntryKeptIfOnlyLargerAccepted has an entry that the server refuses with 413 for another
// reason than its size.
func TestTooLargeEntryKeptIfOnlyLargerAccepted(t *testing.T) {
	run(t, func(r *request) reply {
		if bytes.Contains(r.body, []byte(`"MARK"`)) {
			return reply{status: 413}
		}
		return reply{}
	}, logtail.Config{FlushDelay: time.Second}, func(c *qt.C, srv *collector, l *testLogger) {
		l.Logf("MARK")
		l.writeSized(0, 1, 20_000)
		time.Sleep(24 * time.Hour)
		c.Check(l.Stats().RefusedEntries, qt.Equals, uint64(0))
		c.Check(l.Stats().BufferedEntries, qt.Equals, 2)
		c.Check(len(srv.seen()) < 500, qt.IsTrue, qt.Commentf("%d requests a day", len(srv.seen())))
		c.Check(len(l.lines()) <= 2, qt.IsTrue, qt.Commentf("%q", l.lines()))
		l.Logf("x") // smaller than the marked entry
		time.Sleep(time.Hour)
		c.Check(l.Stats().RefusedEntries, qt.Equals, uint64(1))
		c.Check(l.Stats().DeliveredEntries, qt.Equals, uint64(2))
		c.Check(l.Stats().BufferedEntries, qt.Equals, 0)
	})
}

// TestTooLargeEntriesBlockNoOthers has several entries that are too large at the front of the
// queue, before the server has accepted anything. Only entries behind them can show that the size
// is at fault.
func TestTooLargeEntriesBlockNoOthers(t *testing.T) {
	run(t, refuseLarger(1000), logtail.Config{}, func(c *qt.C, srv *collector, l *testLogger) {
		l.writeSized(0, 1, 2000)
		time.Sleep(time.Minute) // it is tried alone
		l.writeSized(1, 2, 3000)
		l.writeSized(2, 3, 4000)
		l.write(3, 10)
		time.Sleep(time.Hour)
		c.Check(l.Stats().RefusedEntries, qt.Equals, uint64(3))
		c.Check(l.Stats().BufferedEntries, qt.Equals, 0)
		c.Check(srv.numbers(), qt.DeepEquals, []int{3, 4, 5, 6, 7, 8, 9})
	})
}

func TestTooLargeAlwaysNotHammered(t *testing.T) {
	const n = 2400
	run(t, status(413), logtail.Config{FlushDelay: time.Second}, func(c *qt.C, srv *collector, l *testLogger) {
		l.write(0, n)
		time.Sleep(3 * time.Second)
		c.Check(len(srv.seen()) <= 30, qt.IsTrue, qt.Commentf("%d requests at once", len(srv.seen())))
		time.Sleep(24 * time.Hour)
		c.Check(len(srv.seen()) < 250, qt.IsTrue, qt.Commentf("%d requests a day", len(srv.seen())))
		c.Check(l.Stats().BufferedEntries, qt.Equals, n)
		srv.answer(nil)
		l.drain()
		got := srv.numbers()
		c.Check(distinct(got), qt.DeepEquals, count(n))
		c.Check(len(got) < n+10, qt.IsTrue, qt.Commentf("%d entries twice", len(got)-n))
		c.Check(l.Stats().RefusedEntries, qt.Equals, uint64(0))
	})
}

// TestTooLargeFromNowOnDropsLittle has a server that accepts one small entry, and then finds
// everything too large. The uploader may drop entries then, but must not empty the Buffer at once,
// neither in one batch, nor if each entry is a batch of its own.
func TestTooLargeFromNowOnDropsLittle(t *testing.T) {
	for _, size := range []int{0, 600} {
		t.Run(fmt.Sprint("entries of ", size), func(t *testing.T) {
			run(t, nil, logtail.Config{}, func(c *qt.C, srv *collector, l *testLogger) {
				l.Logf("x")
				time.Sleep(time.Second)
				srv.answer(status(413))
				if size > 0 {
					l.writeSized(0, 1, size) // makes the limit smaller than an entry
					time.Sleep(time.Second)
				}
				l.writeSized(0, 3000, size)
				time.Sleep(24 * time.Hour)
				c.Check(len(srv.seen()) < 1200, qt.IsTrue, qt.Commentf("%d requests a day", len(srv.seen())))
				c.Check(l.Stats().RefusedEntries < 1000, qt.IsTrue, qt.Commentf("%d entries given up", l.Stats().RefusedEntries))
				l.shutdown(0)
			})
		})
	}
}
