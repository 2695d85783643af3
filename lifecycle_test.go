package netlog_test

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/internal/secrettest"
	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/record"
	"github.com/go-netlog/netlog/tunstats"
)

// hang returns a function that blocks until release is called.
func hang() (wait, release func()) {
	c := make(chan struct{})
	return func() { <-c }, sync.OnceFunc(func() { close(c) })
}

func TestShutdownDeliversLastWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := &server{answer: func(*http.Request) (int, error) {
			time.Sleep(3 * time.Second)
			return 200, nil
		}}
		dev := new(fakeDevice)
		l := netlog.Logger{Upload: srv.config()}
		startup(t, &l, dev, routes())
		dev.count(toPeer, one)
		time.Sleep(6 * time.Second) // the first window is on its way
		dev.count(toPeer, one)
		shutdown(t, &l)
		qt.Check(t, total(srv.received()).TxPackets, qt.Equals, uint64(2))
	})
}

func TestShutdownConcurrent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := &server{answer: func(*http.Request) (int, error) { return 503, nil }}
		dev := new(fakeDevice)
		l := netlog.Logger{Upload: srv.config()}
		startup(t, &l, dev, routes())
		dev.count(toPeer, one)

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		errs := make([]error, 50)
		var wg sync.WaitGroup
		for i := range errs {
			wg.Go(func() { errs[i] = l.Shutdown(ctx) })
		}
		wg.Wait()
		for _, err := range errs {
			undelivered, ok := errors.AsType[*logtail.UndeliveredError](err)
			qt.Assert(t, ok, qt.IsTrue, qt.Commentf("%v", err))
			qt.Check(t, undelivered.Entries, qt.Equals, 1)
		}
		_, toggles, _ := dev.seen()
		qt.Check(t, toggles, qt.Equals, 2)
	})
}

func TestShutdownSecondCallerContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := &server{answer: func(*http.Request) (int, error) { return 503, nil }}
		dev := new(fakeDevice)
		l := netlog.Logger{Upload: srv.config()}
		startup(t, &l, dev, routes())
		dev.count(toPeer, one)

		long, cancelLong := context.WithTimeout(t.Context(), time.Minute)
		defer cancelLong()
		var wg sync.WaitGroup
		wg.Go(func() { l.Shutdown(long) })
		synctest.Wait()

		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		err := l.Shutdown(short)
		qt.Check(t, time.Since(began), qt.Equals, time.Second)
		qt.Check(t, errors.Is(err, context.DeadlineExceeded), qt.IsTrue)
		wg.Wait()
	})
}

func TestStartupDuringShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := &server{answer: func(*http.Request) (int, error) { return 503, nil }}
		dev := new(fakeDevice)
		l := netlog.Logger{Upload: srv.config()}
		startup(t, &l, dev, routes())
		dev.count(toPeer, one)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() { l.Shutdown(ctx) })
		synctest.Wait()
		qt.Check(t, l.Running(), qt.IsFalse)
		err := l.Startup(secrettest.NewID(), logtail.PrivateID{}, dev, nil)
		qt.Check(t, errors.Is(err, netlog.ErrRunning), qt.IsTrue)
		wg.Wait()
		startup(t, &l, dev, nil) // and afterwards it starts
		shutdown(t, &l)
	})
}

func TestShutdownDeadlineWhileDeviceHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wait, release := hang()
		defer release()
		var hung atomic.Bool
		dev := &fakeDevice{extract: func() {
			if hung.Load() {
				wait()
			}
		}}
		l := netlog.Logger{Upload: new(server).config()}
		startup(t, &l, dev, routes())
		hung.Store(true)
		time.Sleep(6 * time.Second) // the first poll hangs

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		err := l.Shutdown(ctx)
		qt.Check(t, time.Since(began) <= 1100*time.Millisecond, qt.IsTrue)
		_, ok := errors.AsType[*logtail.UndeliveredError](err)
		qt.Check(t, ok, qt.IsTrue, qt.Commentf("%v", err))

		err = l.Startup(secrettest.NewID(), logtail.PrivateID{}, dev, nil)
		qt.Check(t, errors.Is(err, netlog.ErrRunning), qt.IsTrue, qt.Commentf("its goroutine is still there"))

		_, _, before := dev.seen()
		release()
		synctest.Wait()
		_, _, after := dev.seen()
		qt.Check(t, after, qt.Equals, before+1, qt.Commentf("only the call that hung returns"))
		hung.Store(false)
		startup(t, &l, dev, nil)
		shutdown(t, &l)
	})
}

func TestShutdownDeadlineWhileCallbackHangs(t *testing.T) {
	for _, name := range []string{"Ignore", "LookupNode", "OnRecord"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				wait, release := hang()
				dev := new(fakeDevice)
				l := netlog.Logger{Upload: new(server).config()}
				var calls atomic.Int32
				switch name {
				case "Ignore":
					l.Ignore = func(flowtrack.Tuple) bool { calls.Add(1); wait(); return false }
				case "LookupNode":
					l.LookupNode = func(netip.Addr) (netlog.Node, bool) { calls.Add(1); wait(); return netlog.Node{}, false }
				case "OnRecord":
					l.OnRecord = func(*netlog.Message) { calls.Add(1); wait() }
				}
				startup(t, &l, dev, routes())
				dev.count(toPeer, one)
				dev.count(toHost, one)
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				err := l.Shutdown(ctx)
				qt.Check(t, errors.Is(err, context.DeadlineExceeded), qt.IsTrue, qt.Commentf("%v", err))
				release()
				synctest.Wait()
				qt.Check(t, calls.Load(), qt.Equals, int32(1), qt.Commentf("called again after Shutdown"))
			})
		})
	}
}

func TestShutdownCancelledContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dev := new(fakeDevice)
		srv := &server{answer: func(*http.Request) (int, error) { return 503, nil }}
		l := netlog.Logger{Upload: srv.config()}
		l.Upload.Buffer = logtail.NewMemoryBuffer(1 << 20)
		startup(t, &l, dev, routes())
		dev.count(toPeer, one)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		undelivered, ok := errors.AsType[*logtail.UndeliveredError](l.Shutdown(ctx))
		qt.Assert(t, ok, qt.IsTrue)
		qt.Check(t, undelivered.Entries, qt.Equals, 1)
		qt.Check(t, undelivered.Kept, qt.IsTrue)
		on, _, _ := dev.seen()
		qt.Check(t, on, qt.IsFalse)
	})
}

func TestMethodsDoNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wait, release := hang()
		defer release()
		srv := &server{answer: func(req *http.Request) (int, error) {
			<-req.Context().Done()
			return 0, req.Context().Err()
		}}
		var hung atomic.Bool
		dev := &fakeDevice{extract: func() {
			if hung.Load() {
				wait()
			}
		}}
		l := netlog.Logger{Upload: srv.config(), Logf: func(string, ...any) { wait() }}
		startup(t, &l, dev, routes())
		dev.count(toPeer, one)
		time.Sleep(6 * time.Second)
		hung.Store(true)
		time.Sleep(5 * time.Minute)

		began := time.Now() // a call that waits would let the bubble's time go on
		l.Running()
		l.Stats()
		l.ReconfigRoutes(routes("192.168.0.0/16"))
		l.ReconfigRoutes(routes("192.168.0.0/17"))
		qt.Check(t, time.Since(began), qt.Equals, time.Duration(0))

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := l.Shutdown(ctx)
		qt.Check(t, err, qt.IsNotNil)
		qt.Check(t, time.Since(began) <= 1200*time.Millisecond, qt.IsTrue, qt.Commentf("%v", time.Since(began)))
	})
}

func TestLogfUploadFaultOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var down atomic.Bool
		down.Store(true)
		srv := &server{answer: func(*http.Request) (int, error) {
			if down.Load() {
				return 500, nil
			}
			return 200, nil
		}}
		dev := new(fakeDevice)
		var lines []string
		l := netlog.Logger{Upload: srv.config(), Logf: func(format string, args ...any) {
			lines = append(lines, format) // on the goroutine that polls, so without a lock
		}}
		startup(t, &l, dev, routes())
		for range 720 {
			dev.count(toPeer, one)
			time.Sleep(5 * time.Second)
		}
		synctest.Wait()
		qt.Check(t, lines, qt.HasLen, 1)
		down.Store(false)
		time.Sleep(10 * time.Minute)
		shutdown(t, &l)
		qt.Check(t, lines, qt.HasLen, 2)
	})
}

func TestConcurrentCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, dev := new(server), new(fakeDevice)
		l := netlog.Logger{Upload: srv.config()}
		var wg sync.WaitGroup
		var started atomic.Int32
		for i := range 50 {
			wg.Go(func() {
				for range 20 {
					switch i % 5 {
					case 0:
						if l.Startup(secrettest.NewID(), logtail.PrivateID{}, dev, routes()) == nil {
							started.Add(1)
						}
					case 1:
						l.Shutdown(t.Context())
					case 2:
						l.ReconfigRoutes(routes("10.0.0.0/8"))
					case 3:
						l.Running()
					case 4:
						l.Stats()
					}
					time.Sleep(time.Millisecond)
				}
			})
		}
		wg.Wait()
		shutdown(t, &l)
		_, toggles, _ := dev.seen()
		qt.Check(t, toggles, qt.Equals, int(2*started.Load()))
		qt.Check(t, started.Load() > 0, qt.IsTrue)
	})
}

func TestStartupConcurrent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dev := new(fakeDevice)
		l := netlog.Logger{Upload: new(server).config()}
		var wg sync.WaitGroup
		var started atomic.Int32
		for range 50 {
			wg.Go(func() {
				switch err := l.Startup(secrettest.NewID(), logtail.PrivateID{}, dev, nil); {
				case err == nil:
					started.Add(1)
				case !errors.Is(err, netlog.ErrRunning):
					t.Error(err)
				}
			})
		}
		wg.Wait()
		qt.Check(t, started.Load(), qt.Equals, int32(1))
		shutdown(t, &l)
	})
}

func TestStartupShutdownRoundsLoseNothing(t *testing.T) {
	srv := new(server)
	l := netlog.Logger{Upload: srv.config()}
	l.Upload.DisableCompression = true // the rounds are what this is about
	var meter tunstats.Meter
	packet := udpPacket(local, peer)
	counter := &countingDevice{Meter: &meter}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					meter.UpdateTx(packet)
				}
			}
		})
	}
	for round := range 1000 {
		startup(t, &l, counter, routes())
		for round%100 == 0 && meter.Stats().Flows == 0 {
			runtime.Gosched() // a single processor may have let no packet pass in any round
		}
		shutdown(t, &l)
	}
	close(stop)
	wg.Wait()
	qt.Check(t, total(srv.received()), qt.Equals, counter.sum)
	qt.Check(t, counter.sum.TxPackets > 0, qt.IsTrue)
}

// countingDevice sums what its Meter hands over, less what Startup discards.
type countingDevice struct {
	*tunstats.Meter
	on  bool // set by the call before the first extraction that counts
	sum tunstats.Counts
}

func (d *countingDevice) SetStatisticsEnabled(on bool) {
	d.Meter.SetStatisticsEnabled(on)
	d.on = true
}

func (d *countingDevice) ExtractStatistics() map[flowtrack.Tuple]tunstats.Counts {
	flows := d.Meter.ExtractStatistics()
	if d.on {
		for _, c := range flows {
			d.sum = d.sum.Add(c)
		}
	}
	d.on = false
	return flows
}

func TestCallbacksCallLogger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, dev := new(server), new(fakeDevice)
		var l netlog.Logger
		l.Upload = srv.config()
		l.OnRecord = func(*netlog.Message) {
			l.Running()
			l.Stats()
			l.ReconfigRoutes(routes("10.0.0.0/8"))
			qt.Check(t, l.WritePeer(record.Peer{State: record.PeerConnected}), qt.IsNil)
			err := l.Startup(secrettest.NewID(), logtail.PrivateID{}, dev, nil)
			qt.Check(t, errors.Is(err, netlog.ErrRunning), qt.IsTrue)
		}
		startup(t, &l, dev, routes())
		dev.count(toPeer, one)
		time.Sleep(7 * time.Second)
		shutdown(t, &l)
		qt.Check(t, srv.received(), qt.HasLen, 2, qt.Commentf("the peer and the record"))
	})
}

func TestStartupDevicePanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dev := &fakeDevice{extract: func() { panic("broken device") }}
		l := netlog.Logger{Upload: new(server).config()}
		qt.Check(t, func() { l.Startup(secrettest.NewID(), logtail.PrivateID{}, dev, nil) }, qt.PanicMatches, "broken device")
		startup(t, &l, new(fakeDevice), nil)
		shutdown(t, &l)
	})
}
