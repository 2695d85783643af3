package netlog_test

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/internal/faultbuffer"
	"github.com/go-netlog/netlog/internal/secrettest"
	"github.com/go-netlog/netlog/logtail"
)

// The race detector decides.
func TestCallsDuringStartup(t *testing.T) {
	var l netlog.Logger
	var wg sync.WaitGroup
	stop := make(chan struct{})
	l.Upload = new(server).config()
	buffer := faultbuffer.New(0)
	l.Upload.Buffer = buffer
	callAll := sync.OnceFunc(func() {
		for _, call := range []func(){
			func() { l.Stats() },
			func() { l.Running() },
			func() { l.ReconfigRoutes(routes("10.0.0.0/8")) },
		} {
			wg.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						call()
					}
				}
			})
		}
	})
	buffer.Before(faultbuffer.Claim, func() error { callAll(); return nil }) // while Startup prepares the upload
	for range 10 {
		startup(t, &l, new(fakeDevice), routes())
		shutdown(t, &l)
	}
	close(stop)
	wg.Wait()
}

func TestStatsDuringStartup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dev := new(fakeDevice)
		l := netlog.Logger{Upload: new(server).config()}
		startup(t, &l, dev, routes())
		dev.count(toPeer, one)
		shutdown(t, &l)
		var during netlog.Stats
		dev.extract = func() { during = l.Stats(); dev.extract = nil }
		startup(t, &l, dev, routes())
		qt.Check(t, during.Records, qt.Equals, uint64(1))
		qt.Check(t, l.Stats().Records, qt.Equals, uint64(0))
		shutdown(t, &l)
	})
}

// brokenDevice panics when it is turned on.
type brokenDevice struct{ fakeDevice }

func (d *brokenDevice) SetStatisticsEnabled(bool) { panic("broken device") }

func TestStartupFailureDisablesCounting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dev := new(fakeDevice)
		l := netlog.Logger{Upload: new(server).config(), Underlay: new(brokenDevice)}
		qt.Check(t, func() { startup(t, &l, dev, nil) }, qt.PanicMatches, "broken device")
		on, _, _ := dev.seen()
		qt.Check(t, on, qt.IsFalse)
		qt.Check(t, l.Running(), qt.IsFalse)

		l.Underlay = nil
		startup(t, &l, dev, nil)
		shutdown(t, &l)
	})
}

func TestMethodsWhileStartupHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wait, release := hang()
		dev := &fakeDevice{extract: sync.OnceFunc(wait)}
		l := netlog.Logger{Upload: new(server).config()}
		var wg sync.WaitGroup
		wg.Go(func() { startup(t, &l, dev, routes()) })
		synctest.Wait()

		began := time.Now() // a call that waits would let the bubble's time go on
		qt.Check(t, l.Running(), qt.IsFalse)
		qt.Check(t, l.Stats(), qt.Equals, netlog.Stats{})
		l.ReconfigRoutes(routes("10.0.0.0/8"))
		qt.Check(t, l.Shutdown(t.Context()), qt.IsNil)
		err := l.Startup(secrettest.NewID(), logtail.PrivateID{}, dev, nil)
		qt.Check(t, errors.Is(err, netlog.ErrRunning), qt.IsTrue)
		qt.Check(t, time.Since(began), qt.Equals, time.Duration(0))

		release()
		wg.Wait()
		shutdown(t, &l)
	})
}
