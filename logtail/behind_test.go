package logtail_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail"
)

// TestRefusedEntryBlocksNoOthers: whatever stands beside it, the
// uploader looks behind it for an entry that speaks against it.
func TestRefusedEntryBlocksNoOthers(t *testing.T) {
	const first, last = 3, 50
	for _, test := range []struct {
		name   string
		stray  bool // a 413 without a reason, which makes bodies small for a while
		poison []int
		large  int // has 300 KB
	}{
		{"two, as many as a body has just now", true, []int{first, first + 1}, -1},
		{"one before another that is larger than any body", false, []int{first}, first + 1},
		{"two before another that is larger than any body", true, []int{first, first + 1}, first + 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := qt.New(t)
				refuse := poisonous(400, test.poison...)
				srv := newCollector(t, func(r *request) reply {
					if test.stray && r.n == 0 {
						return reply{status: 413}
					}
					return refuse(r)
				})
				l := startLogger(t, srv, func(cfg *logtail.Config) { cfg.DisableCompression = true })
				for n := range first {
					writeSized(t, l, n, 150)
				}
				time.Sleep(time.Minute)
				for n := first; n < last; n++ {
					size := 100
					if n == test.large {
						size = 300_000
					}
					writeSized(t, l, n, size)
				}
				time.Sleep(time.Hour)
				s := l.Stats()
				c.Check(s.BufferedEntries, qt.Equals, 0)
				c.Check(s.RefusedEntries, qt.Equals, uint64(len(test.poison)))
				c.Check(srv.numbers(), qt.DeepEquals, append(count(first), count(last)[first+len(test.poison):]...))
				drain(t, l)
			})
		})
	}
}

// oneByOne is a Buffer that says it holds a terabyte, and shows one entry at a time.
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

// TestRefusedEntrySearchEnds uses a Buffer with more bytes than an int of 32 bits can count.
func TestRefusedEntrySearchEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		buf := &oneByOne{Buffer: logtail.NewMemoryBuffer(1 << 20)}
		srv := newCollector(t, func(*request) reply { return reply{status: 400} })
		l := startLogger(t, srv, func(cfg *logtail.Config) { cfg.Buffer = buf })
		write(t, l, 0, 3)
		time.Sleep(time.Hour)
		attempts := int64(l.Stats().Attempts)
		c.Check(attempts > 3, qt.IsTrue)
		c.Check(buf.peeks.Load() < 50*attempts, qt.IsTrue, qt.Commentf("%d", buf.peeks.Load()))
		shutdown(t, l, 0)
	})
}
