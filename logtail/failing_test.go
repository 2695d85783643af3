package logtail_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail"
)

func TestBufferAppendFailureIsNotUploadFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		var log logLines
		buf := &fakeBuffer{Buffer: logtail.NewMemoryBuffer(0)}
		buf.appendErr.Store(true)
		srv := newCollector(t, nil)
		l := startLogger(t, srv, func(cfg *logtail.Config) { cfg.Buffer, cfg.Logf = buf, log.Logf })
		_, err := l.Write([]byte(`{}`))
		c.Check(err, qt.IsNotNil)
		time.Sleep(10 * time.Minute)
		c.Check(l.Stats().LastError, qt.IsNil)
		c.Check(log.all(), qt.HasLen, 0)
		buf.appendErr.Store(false)
		time.Sleep(2 * time.Minute) // without another Write
		c.Check(srv.dropped(), qt.Equals, uint64(1))
		drain(t, l)
	})
}

// The last entry in the Buffer is given up after a failure: what was lost
// meanwhile is told all the same.
func TestDropReportAfterLastEntryGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		buf := &fakeBuffer{Buffer: logtail.NewMemoryBuffer(0)}
		srv := newCollector(t, sequence(200, 500, 413))
		l := startLogger(t, srv, func(cfg *logtail.Config) { cfg.Buffer = buf })
		write(t, l, 0, 1)
		c.Assert(l.Flush(t.Context()), qt.IsNil)
		writeSized(t, l, 1, 1000)
		synctest.Wait()
		buf.appendErr.Store(true)
		_, err := l.Write([]byte(`{}`))
		c.Check(err, qt.IsNotNil)
		buf.appendErr.Store(false)
		time.Sleep(2 * time.Minute)
		c.Check(l.Stats().RefusedEntries, qt.Equals, uint64(1))
		c.Check(srv.dropped(), qt.Equals, uint64(1))
		drain(t, l)
	})
}

// unreadableOnce is a Buffer whose Peek fails once when told to.
type unreadableOnce struct {
	logtail.Buffer
	fail atomic.Bool
}

func (b *unreadableOnce) Peek(max int) ([][]byte, uint64, error) {
	if b.fail.CompareAndSwap(true, false) {
		return nil, 0, errors.New("input/output error")
	}
	return b.Buffer.Peek(max)
}

func TestPoisonSearchContinuesAfterReadError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		const n, poison = 8, 6
		buf := &unreadableOnce{Buffer: logtail.NewMemoryBuffer(0)}
		refuse := poisonous(400, poison)
		srv := newCollector(t, func(r *request) reply {
			buf.fail.Store(r.n == 1) // the half without the poison was taken
			return refuse(r)
		})
		l := startLogger(t, srv, func(cfg *logtail.Config) { cfg.Buffer, cfg.FlushDelay = buf, time.Second })
		write(t, l, 0, n)
		drain(t, l)
		c.Check(srv.numbers(), qt.DeepEquals, []int{0, 1, 2, 3, 4, 5, 7}, qt.Commentf("nothing twice"))
		c.Check(l.Stats().RefusedEntries, qt.Equals, uint64(1))
	})
}

// A writer that hangs in the Buffer keeps neither the entries before it nor what
// is to be reported from being sent, and Shutdown keeps its deadline.
func TestHungWriterDelaysNoUpload(t *testing.T) {
	for _, ends := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			c := qt.New(t)
			buf := &fakeBuffer{Buffer: logtail.NewMemoryBuffer(0), wake: make(chan struct{})}
			srv := newCollector(t, nil)
			l := startLogger(t, srv, func(cfg *logtail.Config) { cfg.Buffer, cfg.FlushDelay = buf, time.Minute })
			write(t, l, 0, 1)
			buf.appendErr.Store(true)
			_, err := l.Write([]byte(`{}`))
			c.Check(err, qt.IsNotNil) // a loss to report
			buf.appendErr.Store(false)
			buf.hangAppend.Store(true)
			go write(t, l, 1, 2)
			time.Sleep(2 * time.Minute)
			c.Check(srv.numbers(), qt.DeepEquals, count(1))
			if ends {
				close(buf.wake)
				drain(t, l)
				c.Check(srv.numbers(), qt.DeepEquals, count(2), qt.Commentf("each once"))
				c.Check(srv.dropped(), qt.Equals, uint64(1))
				return
			}
			start := time.Now()
			checkUndelivered(c, shutdown(t, l, time.Second), 2, true)
			c.Check(time.Since(start), qt.Equals, time.Second)
			close(buf.wake)
		})
	}
}

// At the end there is a loss to report and no room for it in the Buffer, and none
// can be made.
func TestShutdownFullFailingBufferLosesNoMore(t *testing.T) {
	for _, test := range []struct {
		name string
		fail func(b *fakeBuffer, l *logtail.Logger)
	}{
		{"a writer hangs", func(b *fakeBuffer, l *logtail.Logger) {
			b.hangAppend.Store(true)
			go l.Write([]byte(`{}`))
		}},
		{"it cannot be read", func(b *fakeBuffer, _ *logtail.Logger) { b.peekErr.Store(true) }},
		{"it acknowledges nothing", func(b *fakeBuffer, _ *logtail.Logger) { b.ackErr.Store(true) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := qt.New(t)
				buf := &fakeBuffer{Buffer: logtail.NewMemoryBuffer(2000), wake: make(chan struct{})}
				change := func(cfg *logtail.Config) { cfg.Buffer = buf }
				l := startLogger(t, newCollector(t, status(500)), change)
				write(t, l, 0, 50)
				test.fail(buf, l)
				synctest.Wait()
				start := time.Now()
				_, ok := errors.AsType[*logtail.UndeliveredError](shutdown(t, l, time.Second))
				c.Check(ok, qt.IsTrue)
				c.Check(time.Since(start), qt.Equals, time.Second)
				close(buf.wake)
				synctest.Wait()

				*buf = fakeBuffer{Buffer: buf.Buffer} // it is well again
				srv := newCollector(t, nil)
				drain(t, startLogger(t, srv, change))
				got := srv.numbers()
				c.Check(len(got) > 10, qt.IsTrue)
				c.Check(got, qt.DeepEquals, count(50)[50-len(got):])
			})
		})
	}
}

// hidden is a Buffer that counts entries and shows none, until told to.
type hidden struct {
	logtail.Buffer
	shown atomic.Bool
}

func (b *hidden) Peek(max int) ([][]byte, uint64, error) {
	if !b.shown.Load() {
		return nil, 0, nil
	}
	return b.Buffer.Peek(max)
}

func TestBufferShowingNothingIsFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		var log logLines
		buf := &hidden{Buffer: logtail.NewMemoryBuffer(0)}
		srv := newCollector(t, nil)
		l := startLogger(t, srv, func(cfg *logtail.Config) { cfg.Buffer, cfg.Logf = buf, log.Logf })
		write(t, l, 0, 1)
		time.Sleep(time.Hour)
		c.Check(log.all(), qt.DeepEquals, []string{"logtail: cannot upload to http://127.0.0.1:8641: logtail: the buffer counts entries but shows none"})
		buf.shown.Store(true)
		time.Sleep(10 * time.Minute)
		c.Check(srv.numbers(), qt.DeepEquals, count(1))
		drain(t, l)
	})
}
