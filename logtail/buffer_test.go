package logtail_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/faultbuffer"
	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/logtail/buffertest"
)

func TestMemoryBuffer(t *testing.T) {
	buffertest.TestBuffer(t, func(t *testing.T, maxBytes int64) logtail.Buffer {
		return logtail.NewMemoryBuffer(maxBytes)
	})
}

func TestBufferAppendFailureIsNotUploadFault(t *testing.T) {
	buf := faultbuffer.New(0)
	run(t, nil, logtail.Config{Buffer: buf}, func(c *qt.C, srv *collector, l *testLogger) {
		buf.Fail(faultbuffer.Append, errNoSpace)
		l.lose(errNoSpace)
		time.Sleep(10 * time.Minute)
		c.Check(l.Stats().LastError, qt.IsNil)
		c.Check(l.lines(), qt.HasLen, 0)
		buf.Fail(faultbuffer.Append, nil)
		time.Sleep(2 * time.Minute) // without another Write
		c.Check(srv.dropped(), qt.Equals, uint64(1))
	})
}

func TestBufferReadErrorRetried(t *testing.T) {
	buf := faultbuffer.New(0)
	run(t, nil, logtail.Config{Buffer: buf}, func(c *qt.C, srv *collector, l *testLogger) {
		buf.Fail(faultbuffer.Peek, errIO)
		l.write(0, 10)
		time.Sleep(time.Hour)
		c.Check(l.lines(), qt.HasLen, 1)
		buf.Fail(faultbuffer.Peek, nil)
		time.Sleep(time.Hour)
		c.Check(srv.numbers(), qt.DeepEquals, count(10))
	})
}

func TestBufferAckErrorSendsNothingTwice(t *testing.T) {
	buf := faultbuffer.New(0)
	run(t, nil, logtail.Config{Buffer: buf}, func(c *qt.C, srv *collector, l *testLogger) {
		buf.Fail(faultbuffer.Ack, errIO)
		l.write(0, 10)
		time.Sleep(time.Hour)
		l.write(10, 20)
		time.Sleep(time.Hour)
		buf.Fail(faultbuffer.Ack, nil)
		time.Sleep(time.Hour)
		c.Check(srv.numbers(), qt.DeepEquals, count(20))
	})
}

// TestBufferAckErrorCountsAsDelivered has a Buffer that removes entries, but cannot record that.
func TestBufferAckErrorCountsAsDelivered(t *testing.T) {
	buf := faultbuffer.New(0)
	buf.Before(faultbuffer.Ack, func() error {
		_, through, _ := buf.Buffer.Peek(1)
		buf.Buffer.Ack(through)
		return errors.New("the cursor was not written")
	})
	run(t, nil, logtail.Config{Buffer: buf}, func(c *qt.C, srv *collector, l *testLogger) {
		for n := range 3 {
			l.write(n, n+1)
			time.Sleep(time.Second)
		}
		c.Check(l.Stats().DeliveredEntries, qt.Equals, uint64(3))
		c.Check(srv.numbers(), qt.DeepEquals, count(3))
		c.Check(len(srv.seen()), qt.Equals, 3)
		c.Check(l.lines(), qt.DeepEquals, []string{"logtail: the cursor was not written"})
	})
}

// invisible is a Buffer that counts entries, but Peek does not return them.
type invisible struct {
	logtail.Buffer
	shown atomic.Bool // Peek returns them again
}

func (b *invisible) Peek(limit int) ([][]byte, uint64, error) {
	if !b.shown.Load() {
		return nil, 0, nil
	}
	return b.Buffer.Peek(limit)
}

func TestBufferShowingNothingIsFault(t *testing.T) {
	buf := &invisible{Buffer: logtail.NewMemoryBuffer(0)}
	run(t, nil, logtail.Config{Buffer: buf}, func(c *qt.C, srv *collector, l *testLogger) {
		l.write(0, 1)
		time.Sleep(time.Hour)
		c.Check(l.lines(), qt.DeepEquals, []string{"logtail: cannot upload to http://127.0.0.1:8641: logtail: the buffer counts entries but shows none"})
		buf.shown.Store(true)
		time.Sleep(10 * time.Minute)
		c.Check(srv.numbers(), qt.DeepEquals, count(1))
	})
}

// TestWriteClosedBufferCountsDropped has a Buffer that its owner closed before Shutdown.
func TestWriteClosedBufferCountsDropped(t *testing.T) {
	buf := faultbuffer.New(0)
	buf.Fail(faultbuffer.Append, logtail.ErrClosed)
	run(t, nil, logtail.Config{Buffer: buf}, func(c *qt.C, srv *collector, l *testLogger) {
		l.lose(logtail.ErrClosed)
		c.Check(l.Stats().DroppedEntries, qt.Equals, uint64(1))
		l.shutdown(time.Hour)
	})
}

// TestBufferHungAppendDelaysNoUpload has a Write that hangs in the Buffer. Earlier entries and the
// report of a loss must still be sent, and Shutdown must keep its deadline.
func TestBufferHungAppendDelaysNoUpload(t *testing.T) {
	for _, ends := range []bool{true, false} {
		buf := faultbuffer.New(0)
		run(t, nil, logtail.Config{Buffer: buf, FlushDelay: time.Minute}, func(c *qt.C, srv *collector, l *testLogger) {
			wait, release := hang()
			l.write(0, 1)
			buf.Fail(faultbuffer.Append, errNoSpace)
			l.lose(errNoSpace)
			buf.Before(faultbuffer.Append, wait)
			go l.write(1, 2)
			time.Sleep(2 * time.Minute)
			c.Check(srv.numbers(), qt.DeepEquals, count(1))
			if ends {
				release()
				l.drain()
				c.Check(srv.numbers(), qt.DeepEquals, count(2), qt.Commentf("no entry twice"))
				c.Check(srv.dropped(), qt.Equals, uint64(1))
				return
			}
			start := time.Now()
			checkUndelivered(c, l.shutdown(time.Second), 2, true)
			c.Check(time.Since(start), qt.Equals, time.Second)
			release()
		})
	}
}

// hang returns a function that waits, until release is called.
func hang() (wait func() error, release func()) {
	released := make(chan struct{})
	return func() error { <-released; return nil }, func() { close(released) }
}

// TestShutdownFullFailingBufferLosesNoMore has a loss to report at the end, and a full Buffer in
// which no room for the report can be made.
func TestShutdownFullFailingBufferLosesNoMore(t *testing.T) {
	for _, test := range []struct {
		name   string
		method faultbuffer.Method
	}{
		{"Append hangs", faultbuffer.Append},
		{"Peek fails", faultbuffer.Peek},
		{"Ack fails", faultbuffer.Ack},
	} {
		t.Run(test.name, func(t *testing.T) {
			buf := faultbuffer.New(2000)
			run(t, status(500), logtail.Config{Buffer: buf}, func(c *qt.C, _ *collector, l *testLogger) {
				wait, release := hang()
				l.write(0, 50)
				if test.method == faultbuffer.Append {
					buf.Before(test.method, wait)
					go l.Write([]byte(`{}`))
				} else {
					buf.Fail(test.method, errIO)
				}
				synctest.Wait()
				start := time.Now()
				_, ok := errors.AsType[*logtail.UndeliveredError](l.shutdown(time.Second))
				c.Check(ok, qt.IsTrue)
				c.Check(time.Since(start), qt.Equals, time.Second)
				release()
				synctest.Wait()
			})
			run(t, nil, logtail.Config{Buffer: buf.Buffer}, func(c *qt.C, srv *collector, l *testLogger) {
				l.drain()
				got := srv.numbers()
				c.Check(len(got) > 10, qt.IsTrue)
				c.Check(got, qt.DeepEquals, count(50)[50-len(got):])
			})
		})
	}
}
