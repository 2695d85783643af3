package pace

import (
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"
)

const period = 5 * time.Second

// run calls do with a Pace that runs, and the stop channel of its Wait.
func run(t *testing.T, do func(t *testing.T, p *Pace, stop chan struct{})) {
	synctest.Test(t, func(t *testing.T) {
		p := New(period)
		p.Start()
		defer p.Stop()
		do(t, p, make(chan struct{}))
	})
}

func always() bool { return true }
func never() bool  { return false }

// after calls f in d.
func after(d time.Duration, f func()) { time.AfterFunc(d, f) }

func TestWaitPeriod(t *testing.T) {
	run(t, func(t *testing.T, p *Pace, stop chan struct{}) {
		start := time.Now()
		for i := range 3 {
			p.Wake() // awake already
			qt.Check(t, p.Wait(stop, always).IsZero(), qt.IsTrue)
			qt.Check(t, time.Since(start), qt.Equals, time.Duration(i+1)*period)
		}
	})
}

func TestWaitSleep(t *testing.T) {
	for _, tt := range []struct {
		name        string
		event       func(p *Pace, stop chan struct{}) // an hour after Sleep
		began, ends time.Duration                     // since the event
	}{
		{"Wake", func(p *Pace, _ chan struct{}) { p.Wake() }, 0, period},
		{"two calls of Wake", func(p *Pace, _ chan struct{}) { p.Wake(); after(time.Second, p.Wake) }, 0, period},
		{"EndEarly", func(p *Pace, _ chan struct{}) { p.EndEarly() }, 0, 0},
		{"Wake, then EndEarly", func(p *Pace, _ chan struct{}) { p.Wake(); after(2*time.Second, p.EndEarly) }, 0, 2 * time.Second},
		{"stop", func(_ *Pace, stop chan struct{}) { close(stop) }, 0, 0},
		{"Wake, then stop", func(p *Pace, stop chan struct{}) { p.Wake(); after(2*time.Second, func() { close(stop) }) }, 0, 2 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			run(t, func(t *testing.T, p *Pace, stop chan struct{}) {
				p.Sleep()
				event := time.Now().Add(time.Hour)
				after(time.Hour, func() { tt.event(p, stop) })
				qt.Check(t, p.Wait(stop, always).Sub(event), qt.Equals, tt.began)
				qt.Check(t, time.Since(event), qt.Equals, tt.ends)

				if tt.name != "stop" && tt.name != "Wake, then stop" { // awake again
					qt.Check(t, p.Wait(stop, always).IsZero(), qt.IsTrue)
					qt.Check(t, time.Since(event) > tt.ends && time.Since(event) <= tt.ends+period, qt.IsTrue)
				}
			})
		})
	}
}

// TestWaitWakeBeforeSleep: a packet comes between the extraction of an idle window and its end.
func TestWaitWakeBeforeSleep(t *testing.T) {
	run(t, func(t *testing.T, p *Pace, stop chan struct{}) {
		p.Wait(stop, always)
		p.Wake()
		woken := time.Now()
		time.Sleep(time.Second)
		p.Sleep()
		qt.Check(t, p.Wait(stop, always), qt.Equals, woken)
		qt.Check(t, time.Since(woken), qt.Equals, time.Second+period)
	})
}

// TestWaitWakeWithEndEarly: both come while the goroutine does something else, so either may be seen first.
func TestWaitWakeWithEndEarly(t *testing.T) {
	for range 20 {
		run(t, func(t *testing.T, p *Pace, stop chan struct{}) {
			p.Sleep()
			p.Wake()
			woken := time.Now()
			p.EndEarly()
			time.Sleep(2 * time.Second)
			qt.Check(t, p.Wait(stop, always), qt.Equals, woken)
			qt.Check(t, time.Since(woken), qt.Equals, 2*time.Second)
		})
	}
}

func TestWaitEarlyOnceASecond(t *testing.T) {
	run(t, func(t *testing.T, p *Pace, stop chan struct{}) {
		start := time.Now()
		p.EndEarly()
		p.Wait(stop, always)
		qt.Check(t, time.Since(start), qt.Equals, time.Duration(0))
		p.EndEarly()
		p.EndEarly()
		p.Wait(stop, always)
		qt.Check(t, time.Since(start), qt.Equals, EarlyPeriod)
		p.Wait(stop, always)
		qt.Check(t, time.Since(start), qt.Equals, period, qt.Commentf("the period goes on"))
	})
}

func TestWaitUnwantedEarly(t *testing.T) {
	run(t, func(t *testing.T, p *Pace, stop chan struct{}) {
		start := time.Now()
		p.Sleep()
		p.EndEarly()
		after(time.Minute, p.Wake)
		qt.Check(t, p.Wait(stop, never).Sub(start), qt.Equals, time.Minute)
		qt.Check(t, time.Since(start), qt.Equals, time.Minute+period)
	})
}

// TestSleepRunsNoTimer checks that no timer fires in an hour of sleep.
func TestSleepRunsNoTimer(t *testing.T) {
	run(t, func(t *testing.T, p *Pace, stop chan struct{}) {
		p.EndEarly()
		p.Wait(stop, always)
		p.Sleep()
		done := make(chan struct{})
		go func() { p.Wait(stop, always); close(done) }()
		start := time.Now()
		time.Sleep(time.Hour)
		select {
		case <-done:
			t.Error("Wait has returned")
		case <-p.ticker.C:
			t.Error("the ticker runs")
		case <-p.early.C:
			t.Error("the timer runs")
		default:
		}
		qt.Check(t, time.Since(start), qt.Equals, time.Hour)
		close(stop)
		<-done
	})
}
