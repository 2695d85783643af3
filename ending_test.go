package netlog_test

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/internal/faultbuffer"
	"github.com/go-netlog/netlog/internal/secrettest"
	"github.com/go-netlog/netlog/logtail"
)

func TestZeroLogger(t *testing.T) {
	var l netlog.Logger
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	l.ReconfigRoutes(routes())
	qt.Check(t, l.Running(), qt.IsFalse)
	qt.Check(t, l.Shutdown(ctx), qt.IsNil)
	qt.Check(t, l.Stats(), qt.Equals, netlog.Stats{})
}

// TestShutdownReportsLostWindow: nothing waits then, and yet not all was
// delivered.
func TestShutdownReportsLostWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, dev := new(server), new(fakeDevice)
		l := netlog.Logger{Upload: srv.config()}
		l.Upload.Buffer = logtail.NewMemoryBuffer(150) // bytes: no record fits
		startup(t, &l, dev, routes())
		dev.count(toPeer, one)
		err := l.Shutdown(t.Context())
		qt.Check(t, err, qt.ErrorMatches, "netlog: a record of the last window was dropped: .*an entry of .* bytes does not fit in a buffer of 150")
		qt.Check(t, l.Shutdown(t.Context()), qt.Equals, err)
		qt.Check(t, l.Stats().DroppedRecords, qt.Equals, uint64(1))

		l.Upload.Buffer = nil
		startup(t, &l, dev, routes())
		dev.count(toPeer, one)
		qt.Check(t, l.Shutdown(t.Context()), qt.IsNil)
	})
}

// TestShutdownAfterGoexitInCallback: a test that fails in a callback
// does (runtime.Goexit).
func TestShutdownAfterGoexitInCallback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dev := new(fakeDevice)
		l := netlog.Logger{Upload: new(server).config(), OnRecord: func(*netlog.Message) { runtime.Goexit() }}
		startup(t, &l, dev, routes())
		dev.count(toPeer, one)
		time.Sleep(6 * time.Second)
		qt.Check(t, l.Shutdown(t.Context()), qt.ErrorMatches, "netlog: the last window was not written: .*runtime.Goexit.*")
		l.OnRecord = nil
		startup(t, &l, dev, routes())
		shutdown(t, &l)
	})
}

// lateDevice counts a last packet while it is being turned off.
type lateDevice struct{ fakeDevice }

func (d *lateDevice) SetStatisticsEnabled(on bool) {
	d.count(toPeer, one)
	d.fakeDevice.SetStatisticsEnabled(on)
}

func TestShutdownLatePacket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, dev := new(server), new(lateDevice)
		l := netlog.Logger{Upload: srv.config()}
		startup(t, &l, dev, routes())
		shutdown(t, &l)
		qt.Check(t, total(srv.received()), qt.Equals, one)
	})
}

func TestCallbackAfterShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wait, release := hang()
		dev := new(fakeDevice)
		buffer := faultbuffer.New(0)
		var lines, late atomic.Int32
		l := netlog.Logger{
			Upload:   new(server).config(),
			OnRecord: func(*netlog.Message) { wait() },
			Logf:     func(string, ...any) { lines.Add(1) },
		}
		l.Upload.Buffer = buffer
		startup(t, &l, dev, routes())
		dev.count(toPeer, one)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		qt.Check(t, l.Shutdown(ctx), qt.IsNotNil, qt.Commentf("the last window was lost"))
		buffer.Before(faultbuffer.Append, func() error { late.Add(1); return nil })
		_, _, before := dev.seen()
		said := lines.Load()
		release()
		synctest.Wait()
		_, _, after := dev.seen()
		qt.Check(t, late.Load(), qt.Equals, int32(0))
		qt.Check(t, after, qt.Equals, before)
		qt.Check(t, lines.Load(), qt.Equals, said, qt.Commentf("Logf is a callback too"))
	})
}

func TestShutdownInsideCallback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dev := new(fakeDevice)
		var l netlog.Logger
		var inside error
		l.Upload = new(server).config()
		l.OnRecord = func(*netlog.Message) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			inside = l.Shutdown(ctx)
		}
		startup(t, &l, dev, routes())
		dev.count(toPeer, one)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		qt.Check(t, errors.Is(inside, context.DeadlineExceeded), qt.IsTrue, qt.Commentf("%v", inside))
		qt.Check(t, l.Running(), qt.IsFalse)
		qt.Check(t, l.Shutdown(t.Context()), qt.Equals, inside)

		l.OnRecord = nil
		startup(t, &l, dev, routes())
		shutdown(t, &l)
	})
}

func TestStartupAgain(t *testing.T) {
	for _, test := range []struct {
		name string
		end  func(t *testing.T, l *netlog.Logger, dev *fakeDevice, srv *server)
	}{
		{"delivered", func(t *testing.T, l *netlog.Logger, dev *fakeDevice, srv *server) {
			startup(t, l, dev, routes())
			dev.count(toPeer, one)
			shutdown(t, l)
			srv.records = nil
		}},
		{"not delivered", func(t *testing.T, l *netlog.Logger, dev *fakeDevice, srv *server) {
			srv.answer = func(*http.Request) (int, error) { return 500, nil }
			startup(t, l, dev, routes())
			dev.count(toPeer, one)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			qt.Check(t, l.Shutdown(ctx), qt.IsNotNil)
		}},
		{"a Shutdown without time", func(t *testing.T, l *netlog.Logger, dev *fakeDevice, srv *server) {
			startup(t, l, dev, routes())
			dev.count(toPeer, one)
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			l.Shutdown(ctx)
			srv.records = nil
		}},
		{"a wrong setting", func(t *testing.T, l *netlog.Logger, dev *fakeDevice, _ *server) {
			l.PollPeriod = -1
			qt.Check(t, l.Startup(secrettest.NewID(), logtail.PrivateID{}, dev, nil), qt.IsNotNil)
			l.PollPeriod = 0
		}},
		{"a Device that panicked", func(t *testing.T, l *netlog.Logger, dev *fakeDevice, _ *server) {
			qt.Check(t, func() { startup(t, l, new(brokenDevice), nil) }, qt.PanicMatches, "broken device")
		}},
		{"a Device that hung", func(t *testing.T, l *netlog.Logger, dev *fakeDevice, _ *server) {
			wait, release := hang()
			hung := &fakeDevice{extract: func() {
				if l.Running() {
					wait()
				}
			}}
			startup(t, l, hung, nil)
			time.Sleep(6 * time.Second)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			qt.Check(t, l.Shutdown(ctx), qt.IsNotNil, qt.Commentf("its packets are not delivered"))
			release()
			synctest.Wait()
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv, dev := new(server), new(fakeDevice)
				l := netlog.Logger{Upload: srv.config()}
				test.end(t, &l, dev, srv)
				srv.answer = nil
				startup(t, &l, dev, routes())
				dev.count(toPeer, one)
				shutdown(t, &l)
				qt.Check(t, total(srv.received()), qt.Equals, one)
			})
		})
	}
}

func TestShutdownContextError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := &server{answer: func(*http.Request) (int, error) { return 500, nil }}
		dev := new(fakeDevice)
		l := netlog.Logger{Upload: srv.config()}
		startup(t, &l, dev, routes())
		dev.count(toPeer, one)
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errors.New("going down"))
		defer cancel()
		err := l.Shutdown(ctx)
		qt.Check(t, errors.Is(err, context.DeadlineExceeded), qt.IsTrue, qt.Commentf("%v", err))
	})
}

// A goroutine that is left panics the bubble.
func TestShutdownLeavesNoGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := &server{answer: func(req *http.Request) (int, error) {
			select {
			case <-req.Context().Done():
				return 0, req.Context().Err()
			case <-time.After(time.Hour):
				return 200, nil
			}
		}}
		dev := new(fakeDevice)
		l := netlog.Logger{Upload: srv.config()}
		for i := range 100 {
			startup(t, &l, dev, routes())
			dev.count(toPeer, one)
			time.Sleep(time.Duration(i) * 100 * time.Millisecond)
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i%3)*time.Second)
			qt.Check(t, l.Shutdown(ctx), qt.IsNotNil)
			cancel()
		}
	})
}

func TestShutdownAfterGoexitInLastWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dev := new(fakeDevice)
		l := netlog.Logger{Upload: new(server).config(), OnRecord: func(*netlog.Message) { runtime.Goexit() }}
		startup(t, &l, dev, routes())
		dev.count(toPeer, one)
		qt.Check(t, l.Shutdown(t.Context()), qt.ErrorMatches, "netlog: the last window was not written: .*runtime.Goexit.*")
	})
}

func TestShutdownHungCallbackReportsLostWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wait, release := hang()
		dev := new(fakeDevice)
		var ignored atomic.Bool
		l := netlog.Logger{Upload: new(server).config(), Ignore: func(flowtrack.Tuple) bool {
			if !ignored.Swap(true) {
				wait()
			}
			return false
		}}
		l.Upload.Buffer = logtail.NewMemoryBuffer(1 << 20)
		startup(t, &l, dev, routes("192.168.7.0/24"))
		dev.count(toPeer, one)
		dev.count(toHost, one)
		time.Sleep(6 * time.Second)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err := l.Shutdown(ctx)
		qt.Check(t, err, qt.ErrorMatches, "(?s)netlog: the last window was not written: a Device or callback hangs.*")
		undelivered, ok := errors.AsType[*logtail.UndeliveredError](err)
		qt.Assert(t, ok, qt.IsTrue)
		qt.Check(t, undelivered.Kept, qt.IsFalse, qt.Commentf("the Buffer is empty"))
		for range 100 {
			qt.Assert(t, l.Shutdown(ctx), qt.Equals, err, qt.Commentf("one result, although ctx has ended"))
		}
		qt.Assert(t, l.Upload.Buffer.Append([]byte(`{"of":"another logger"}`)), qt.IsNil)
		qt.Check(t, l.Stats().Upload.BufferedEntries, qt.Equals, 0, qt.Commentf("the Buffer is the caller's again"))
		release()
		synctest.Wait()
		qt.Check(t, l.Stats().IgnoredFlows, qt.Equals, uint64(0), qt.Commentf("a lost flow is not ignored"))
	})
}
