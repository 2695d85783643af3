package logtail_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail"
)

// largerThan refuses bodies of more than most bytes.
func largerThan(most int) func(*request) reply {
	return func(r *request) reply {
		if len(r.body) > most {
			return reply{status: 413}
		}
		return reply{}
	}
}

// marked refuses the entry {"text":"MARK"}, for whatever reason, as too large.
func marked(r *request) reply {
	if bytes.Contains(r.body, []byte(`"MARK"`)) {
		return reply{status: 413}
	}
	return reply{}
}

func TestTooLargeAlwaysNotHammered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		srv := newCollector(t, status(413))
		l := startLogger(t, srv, func(cfg *logtail.Config) { cfg.FlushDelay = time.Second })
		write(t, l, 0, 2400)
		time.Sleep(3 * time.Second)
		c.Check(len(srv.seen()) <= 30, qt.IsTrue, qt.Commentf("%d requests at once", len(srv.seen())))
		time.Sleep(24 * time.Hour)
		c.Check(len(srv.seen()) < 250, qt.IsTrue, qt.Commentf("%d requests a day", len(srv.seen())))
		c.Check(l.Stats().BufferedEntries, qt.Equals, 2400)
		srv.mu.Lock()
		srv.script = nil // mended
		srv.mu.Unlock()
		drain(t, l)
		got := srv.numbers()
		c.Check(slices.Compact(slices.Sorted(slices.Values(got))), qt.DeepEquals, count(2400))
		c.Check(len(got) < 2410, qt.IsTrue, qt.Commentf("%d doubles", len(got)-2400))
		c.Check(l.Stats().RefusedEntries, qt.Equals, uint64(0))
	})
}

// The server took something small once. By that an entry may be given up, but a
// server that finds all too large from then on must not empty the Buffer at once:
// neither in one batch, nor where each entry is a batch of its own.
func TestTooLargeFromNowOnDropsLittle(t *testing.T) {
	for _, size := range []int{0, 600} {
		t.Run(fmt.Sprint("entries of ", size), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := qt.New(t)
				srv := newCollector(t, sequence(slices.Concat([]int{200}, slices.Repeat([]int{413}, 100_000))...))
				l := startLogger(t, srv, nil)
				l.Logf("x")
				time.Sleep(time.Second)
				if size > 0 {
					writeSized(t, l, 0, size) // the limit is less than an entry from then on
					time.Sleep(time.Second)
				}
				for n := range 3000 {
					writeSized(t, l, n, size)
				}
				time.Sleep(24 * time.Hour)
				c.Check(len(srv.seen()) < 1200, qt.IsTrue, qt.Commentf("%d requests a day", len(srv.seen())))
				c.Check(l.Stats().RefusedEntries < 1000, qt.IsTrue, qt.Commentf("%d entries given up", l.Stats().RefusedEntries))
				shutdown(t, l, 0)
			})
		})
	}
}

func TestTooLargeEntryKeptIfOnlyLargerAccepted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		var log logLines
		srv := newCollector(t, marked)
		l := startLogger(t, srv, func(cfg *logtail.Config) { cfg.FlushDelay, cfg.Logf = time.Second, log.Logf })
		l.Logf("MARK")
		writeSized(t, l, 0, 20_000)
		time.Sleep(24 * time.Hour)
		c.Check(l.Stats().RefusedEntries, qt.Equals, uint64(0))
		c.Check(l.Stats().BufferedEntries, qt.Equals, 2)
		c.Check(len(srv.seen()) < 500, qt.IsTrue, qt.Commentf("%d requests a day", len(srv.seen())))
		c.Check(len(log.all()) <= 2, qt.IsTrue, qt.Commentf("%q", log.all()))
		l.Logf("x") // smaller
		time.Sleep(time.Hour)
		c.Check(l.Stats().RefusedEntries, qt.Equals, uint64(1))
		c.Check(l.Stats().DeliveredEntries, qt.Equals, uint64(2))
		c.Check(l.Stats().BufferedEntries, qt.Equals, 0)
		drain(t, l)
	})
}

// What is too large stands in front, nothing was taken before, and what would show
// that size is to blame stands behind several of the kind.
func TestTooLargeEntriesBlockNoOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		srv := newCollector(t, largerThan(1000))
		l := startLogger(t, srv, nil)
		writeSized(t, l, 0, 2000)
		time.Sleep(time.Minute) // it is tried alone
		writeSized(t, l, 1, 3000)
		writeSized(t, l, 2, 4000)
		write(t, l, 3, 10)
		time.Sleep(time.Hour)
		c.Check(l.Stats().RefusedEntries, qt.Equals, uint64(3))
		c.Check(l.Stats().BufferedEntries, qt.Equals, 0)
		c.Check(srv.numbers(), qt.DeepEquals, []int{3, 4, 5, 6, 7, 8, 9})
		drain(t, l)
	})
}

// No body of a batch is as large as one that the server has just refused.
func TestTooLargeBatchRestSentSmallerAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		srv := newCollector(t, largerThan(40<<10))
		l := startLogger(t, srv, func(cfg *logtail.Config) { cfg.FlushDelay = time.Second })
		for n := range 200 {
			writeSized(t, l, n, 1000)
		}
		drain(t, l)
		c.Check(srv.numbers(), qt.DeepEquals, count(200))
		smallest := 1 << 30
		for _, r := range srv.seen() {
			if len(r.body) > 40<<10 {
				c.Check(len(r.body) < smallest, qt.IsTrue, qt.Commentf("%d bytes after %d were refused", len(r.body), smallest))
				smallest = len(r.body)
			}
		}
	})
}
