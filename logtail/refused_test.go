package logtail_test

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/faultbuffer"
	"github.com/go-netlog/netlog/logtail"
)

func TestRefusedEntriesFoundByHalving(t *testing.T) {
	const n, log2 = 64, 6
	for _, code := range []int{400, 422} {
		for _, refused := range [][]int{{0}, {1}, {31}, {32}, {40}, {62}, {63}, {0, 63}, {5, 6, 7}, {0, 1, 2, 3}} {
			t.Run(fmt.Sprint(code, refused), func(t *testing.T) {
				run(t, refuse(code, refused...), logtail.Config{FlushDelay: time.Second}, func(c *qt.C, srv *collector, l *testLogger) {
					l.write(0, n)
					start := time.Now()
					time.Sleep(time.Second)
					synctest.Wait()
					c.Check(l.Stats().BufferedEntries, qt.Equals, 0)
					c.Check(time.Since(start) <= time.Second, qt.IsTrue)
					c.Check(l.Stats().RefusedEntries, qt.Equals, uint64(len(refused)))
					c.Check(l.Stats().DeliveredEntries, qt.Equals, uint64(n-len(refused)))
					want := slices.DeleteFunc(count(n), func(i int) bool { return slices.Contains(refused, i) })
					c.Check(srv.numbers(), qt.DeepEquals, want)
					c.Check(len(srv.seen()) <= 1+2*log2*len(refused), qt.IsTrue, qt.Commentf("%d requests", len(srv.seen())))
					c.Check(l.lines(), qt.HasLen, 1)
				})
			})
		}
	}
}

func TestRefusedEverythingDropsNothing(t *testing.T) {
	for _, n := range []int{1, 2, 100} {
		t.Run(fmt.Sprint(n, " entries"), func(t *testing.T) {
			run(t, status(400), logtail.Config{FlushDelay: time.Second}, func(c *qt.C, srv *collector, l *testLogger) {
				l.write(0, n)
				time.Sleep(24 * time.Hour)
				synctest.Wait()
				c.Check(l.Stats().BufferedEntries, qt.Equals, n)
				c.Check(l.Stats().RefusedEntries, qt.Equals, uint64(0))
				c.Check(len(srv.seen()) < 800, qt.IsTrue, qt.Commentf("%d requests", len(srv.seen())))
				c.Check(l.lines(), qt.HasLen, 1)
				srv.answer(nil)
				time.Sleep(time.Hour)
				l.drain()
				c.Check(distinct(srv.numbers()), qt.DeepEquals, count(n))
				c.Check(l.Stats().RefusedEntries, qt.Equals, uint64(0))
			})
		})
	}
}

func TestRefusedEntryKeptUntilOthersAccepted(t *testing.T) {
	run(t, refuse(400, 0), logtail.Config{}, func(c *qt.C, srv *collector, l *testLogger) {
		l.write(0, 1)
		time.Sleep(time.Hour)
		c.Check(l.Stats().BufferedEntries, qt.Equals, 1)
		l.write(1, 5)
		time.Sleep(time.Hour)
		c.Check(l.Stats().BufferedEntries, qt.Equals, 0)
		c.Check(l.Stats().RefusedEntries, qt.Equals, uint64(1))
		c.Check(srv.numbers(), qt.DeepEquals, []int{1, 2, 3, 4})
	})
}

// TestRefusedEntryBlocksNoOthers has refused entries at the front of the queue. The uploader must
// include later entries in the batch until the server accepts one.
func TestRefusedEntryBlocksNoOthers(t *testing.T) {
	const first, last = 3, 50
	for _, test := range []struct {
		name    string
		small   bool // the first request is answered 413, which makes bodies small for a while
		refused []int
		large   int // an entry of 300 KB
	}{
		{"two, as many as fit into a body", true, []int{first, first + 1}, -1},
		{"one before an entry larger than any body", false, []int{first}, first + 1},
		{"two before an entry larger than any body", true, []int{first, first + 1}, first + 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			script := refuse(400, test.refused...)
			run(t, func(r *request) reply {
				if test.small && r.n == 0 {
					return reply{status: 413}
				}
				return script(r)
			}, logtail.Config{DisableCompression: true}, func(c *qt.C, srv *collector, l *testLogger) {
				l.writeSized(0, first, 150)
				time.Sleep(time.Minute)
				for n := first; n < last; n++ {
					size := 100
					if n == test.large {
						size = 300_000
					}
					l.writeSized(n, n+1, size)
				}
				time.Sleep(time.Hour)
				s := l.Stats()
				c.Check(s.BufferedEntries, qt.Equals, 0)
				c.Check(s.RefusedEntries, qt.Equals, uint64(len(test.refused)))
				c.Check(srv.numbers(), qt.DeepEquals, append(count(first), count(last)[first+len(test.refused):]...))
			})
		})
	}
}

// oneByOne is a Buffer that returns one entry at a time, and claims to hold a terabyte.
type oneByOne struct {
	logtail.Buffer
	peeks atomic.Int64
}

func (b *oneByOne) Peek(int) ([][]byte, uint64, error) {
	b.peeks.Add(1)
	return b.Buffer.Peek(1)
}

func (b *oneByOne) Stats() logtail.BufferStats {
	s := b.Buffer.Stats()
	s.Bytes <<= 40
	s.MaxBytes <<= 40
	return s
}

// TestRefusedEntrySearchEnds has a Buffer of more bytes than an int of 32 bits can count. The uploader
// must not look for later entries forever.
func TestRefusedEntrySearchEnds(t *testing.T) {
	buf := &oneByOne{Buffer: logtail.NewMemoryBuffer(1 << 20)}
	run(t, status(400), logtail.Config{Buffer: buf}, func(c *qt.C, srv *collector, l *testLogger) {
		l.write(0, 3)
		time.Sleep(time.Hour)
		attempts := int64(l.Stats().Attempts)
		c.Check(attempts > 3, qt.IsTrue)
		c.Check(buf.peeks.Load() < 50*attempts, qt.IsTrue, qt.Commentf("%d", buf.peeks.Load()))
		l.shutdown(0)
	})
}

// TestRefusedEntrySearchContinuesAfterReadError has a Buffer that fails once, after the half without
// the refused entry was accepted.
func TestRefusedEntrySearchContinuesAfterReadError(t *testing.T) {
	const n, refused = 8, 6
	buf := faultbuffer.New(0)
	script := refuse(400, refused)
	run(t, func(r *request) reply {
		if r.n == 1 {
			buf.Before(faultbuffer.Peek, func() error {
				buf.Fail(faultbuffer.Peek, nil)
				return errIO
			})
		}
		return script(r)
	}, logtail.Config{Buffer: buf, FlushDelay: time.Second}, func(c *qt.C, srv *collector, l *testLogger) {
		l.write(0, n)
		l.drain()
		c.Check(srv.numbers(), qt.DeepEquals, []int{0, 1, 2, 3, 4, 5, 7}, qt.Commentf("no entry twice"))
		c.Check(l.Stats().RefusedEntries, qt.Equals, uint64(1))
	})
}

// TestRefusedBatchDroppedWhileHalved has a small Buffer that drops entries of a batch while it is
// halved, since the pauses between requests are long.
func TestRefusedBatchDroppedWhileHalved(t *testing.T) {
	run(t, status(400), logtail.Config{Buffer: logtail.NewMemoryBuffer(20_000)}, func(c *qt.C, srv *collector, l *testLogger) {
		const n = 2000
		for i := range n {
			l.write(i, i+1)
			time.Sleep(5 * time.Second)
		}
		srv.answer(nil)
		time.Sleep(time.Hour)
		l.drain()
		s := l.Stats()
		c.Check(s.RefusedEntries, qt.Equals, uint64(0))
		c.Check(s.DeliveredEntries+s.DroppedEntries, qt.Equals, n+srv.reports())
		c.Check(srv.dropped(), qt.Equals, s.DroppedEntries)
		later := slices.DeleteFunc(distinct(srv.numbers()), func(i int) bool { return i < int(s.DroppedEntries) })
		c.Check(later, qt.DeepEquals, count(n)[s.DroppedEntries:])
	})
}
