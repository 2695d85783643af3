package netlog_test

import (
	"context"
	"errors"
	"maps"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/tunstats"
)

// notifyingDevice is a fakeDevice with NotifyActivity.
type notifyingDevice struct {
	fakeDevice
	mu       sync.Mutex // guards the fields below
	wake     func()     // may be nil
	armed    bool       // the next packet calls wake
	notified int        // calls of NotifyActivity
}

func (d *notifyingDevice) NotifyActivity(wake func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wake = wake
	d.notified++
}

func (d *notifyingDevice) ExtractStatistics() map[flowtrack.Tuple]tunstats.Counts {
	d.mu.Lock()
	defer d.mu.Unlock()
	flows := d.fakeDevice.ExtractStatistics()
	d.armed = len(flows) == 0
	return flows
}

func (d *notifyingDevice) count(t flowtrack.Tuple, c tunstats.Counts) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fakeDevice.count(t, c)
	if d.armed && d.wake != nil {
		d.wake()
	}
	d.armed = false
}

// calls returns the calls of SetStatisticsEnabled and ExtractStatistics so far.
func (d *notifyingDevice) calls() int {
	_, _, n := d.seen()
	return n
}

// registered reports whether the device would wake a Logger.
func (d *notifyingDevice) registered() (yes bool, calls int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.wake != nil, d.notified
}

// take returns the records that s has received since the last take.
func (s *server) take() []netlog.Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	records := s.records
	s.records = nil
	return records
}

// sleeping runs do in a bubble with a Logger whose device has been idle for a minute. The Logger is shut
// down afterwards.
func sleeping(t *testing.T, do func(t *testing.T, l *netlog.Logger, srv *server, dev *notifyingDevice)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		srv, dev := new(server), new(notifyingDevice)
		l := netlog.Logger{Upload: srv.config()}
		startup(t, &l, dev, routes())
		time.Sleep(time.Minute)
		do(t, &l, srv, dev)
		shutdown(t, &l)
	})
}

func TestSleepPollsNothing(t *testing.T) {
	sleeping(t, func(t *testing.T, l *netlog.Logger, srv *server, dev *notifyingDevice) {
		windows, calls := l.Stats().Windows, dev.calls()
		qt.Check(t, windows, qt.Equals, uint64(1), qt.Commentf("the first window was idle"))
		time.Sleep(24 * time.Hour)
		qt.Check(t, l.Stats().Windows, qt.Equals, windows)
		qt.Check(t, dev.calls(), qt.Equals, calls)
		qt.Check(t, srv.received(), qt.HasLen, 0)
	})
}

func TestSleepEndsAtFirstPacket(t *testing.T) {
	sleeping(t, func(t *testing.T, l *netlog.Logger, srv *server, dev *notifyingDevice) {
		for range 3 {
			time.Sleep(time.Hour)
			first := time.Now()
			dev.count(toPeer, one)
			time.Sleep(time.Second)
			dev.count(toPeer, one)
			time.Sleep(4*time.Second + time.Millisecond)
			records := srv.take()
			qt.Assert(t, records, qt.HasLen, 1, qt.Commentf("within one period"))
			qt.Check(t, records[0].Start, qt.Equals, first.UTC(), qt.Commentf("the idle time is in no window"))
			qt.Check(t, records[0].End, qt.Equals, first.Add(5*time.Second).UTC())
			qt.Check(t, total(records).TxPackets, qt.Equals, uint64(2))
			time.Sleep(time.Minute)
		}
		qt.Check(t, l.Stats().Windows, qt.Equals, uint64(1+3*2), qt.Commentf("each time a busy window and an idle one"))
	})
}

// TestSleepWhileTrafficGoesOn: windows of a busy Logger adjoin each other.
func TestSleepWhileTrafficGoesOn(t *testing.T) {
	sleeping(t, func(t *testing.T, _ *netlog.Logger, srv *server, dev *notifyingDevice) {
		for range 100 {
			dev.count(toPeer, one)
			time.Sleep(time.Second)
		}
		time.Sleep(5 * time.Second)
		qt.Check(t, total(srv.received()).TxPackets, qt.Equals, uint64(100))
		qt.Check(t, len(srv.received()) >= 20, qt.IsTrue)
		checkAdjoining(t, srv.received())
	})
}

func TestSleepShutdown(t *testing.T) {
	sleeping(t, func(t *testing.T, l *netlog.Logger, srv *server, dev *notifyingDevice) {
		ended := time.Now()
		dev.count(toPeer, one)
		shutdown(t, l) // before the wake-up is seen, or after
		qt.Assert(t, srv.received(), qt.HasLen, 1)
		qt.Check(t, srv.received()[0].Start, qt.Equals, ended.UTC())
		qt.Check(t, srv.received()[0].End, qt.Equals, ended.UTC())
		yes, calls := dev.registered()
		qt.Check(t, yes, qt.IsFalse)
		qt.Check(t, calls, qt.Equals, 3, qt.Commentf("Startup, the sleep and Shutdown"))
		on, _, _ := dev.seen()
		qt.Check(t, on, qt.IsFalse)
	})
	sleeping(t, func(t *testing.T, l *netlog.Logger, srv *server, _ *notifyingDevice) {
		shutdown(t, l)
		qt.Check(t, srv.received(), qt.HasLen, 0)
	})
}

func TestSleepReconfigRoutes(t *testing.T) {
	sleeping(t, func(t *testing.T, l *netlog.Logger, srv *server, dev *notifyingDevice) {
		calls := dev.calls()
		l.ReconfigRoutes(routes("192.168.7.0/24"))
		time.Sleep(time.Millisecond)
		qt.Check(t, dev.calls(), qt.Equals, calls+1)
		time.Sleep(time.Hour)
		qt.Check(t, dev.calls(), qt.Equals, calls+1, qt.Commentf("asleep again"))
		dev.count(toHost, one)
		time.Sleep(5*time.Second + time.Millisecond)
		qt.Assert(t, srv.received(), qt.HasLen, 1)
		qt.Check(t, srv.received()[0].SubnetTraffic, qt.HasLen, 1)
	})
}

// TestSleepReconfigRoutesAtFirstPacket: the packet is written under the old routes, in a window without
// the idle time.
func TestSleepReconfigRoutesAtFirstPacket(t *testing.T) {
	sleeping(t, func(t *testing.T, l *netlog.Logger, srv *server, dev *notifyingDevice) {
		at := time.Now()
		dev.count(toHost, one)
		l.ReconfigRoutes(routes("192.168.7.0/24"))
		time.Sleep(time.Second)
		qt.Assert(t, srv.received(), qt.HasLen, 1)
		qt.Check(t, srv.received()[0].ExitTraffic, qt.HasLen, 1)
		qt.Check(t, srv.received()[0].Start, qt.Equals, at.UTC())
		dev.count(toHost, one)
		time.Sleep(6 * time.Second)
		qt.Assert(t, srv.received(), qt.HasLen, 2)
		qt.Check(t, srv.received()[1].SubnetTraffic, qt.HasLen, 1)
	})
}

// filteringDevice embeds a Meter and leaves multicast out.
type filteringDevice struct{ tunstats.Meter }

func (d *filteringDevice) ExtractStatistics() map[flowtrack.Tuple]tunstats.Counts {
	flows := d.Meter.ExtractStatistics()
	maps.DeleteFunc(flows, func(t flowtrack.Tuple, _ tunstats.Counts) bool { return t.Dst.Addr().IsMulticast() })
	return flows
}

// TestSleepDeviceLeavesOutFlows: the Meter in the Device has extracted packets, so it would not call
// wake, but the Logger has seen none.
func TestSleepDeviceLeavesOutFlows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, dev := new(server), new(filteringDevice)
		l := netlog.Logger{Upload: srv.config()}
		startup(t, &l, dev, routes())
		for range 10 {
			dev.UpdateTx(udpPacket(local, netip.MustParseAddrPort("224.0.0.251:5353")))
			time.Sleep(time.Minute)
		}
		windows := l.Stats().Windows
		qt.Check(t, windows <= 2*10, qt.IsTrue, qt.Commentf("%d windows", windows))
		time.Sleep(time.Hour)
		qt.Check(t, l.Stats().Windows, qt.Equals, windows, qt.Commentf("it sleeps"))
		dev.UpdateTx(udpPacket(local, peer))
		time.Sleep(6 * time.Second)
		qt.Check(t, total(srv.received()).TxPackets, qt.Equals, uint64(1))
		shutdown(t, &l)
	})
}

// TestSleepNeedsAllDevices: a Logger polls if its tunnel or Denied cannot wake it. Its Underlay need not.
func TestSleepNeedsAllDevices(t *testing.T) {
	polled, notifying := func() netlog.Device { return new(fakeDevice) }, func() netlog.Device { return new(notifyingDevice) }
	none := func() netlog.Device { return nil }
	for _, tt := range []struct {
		name                  string
		tun, underlay, denied func() netlog.Device
		sleeps                bool
	}{
		{"the tunnel", notifying, none, none, true},
		{"all", notifying, notifying, notifying, true},
		{"a tunnel that cannot", polled, none, none, false},
		{"an Underlay that cannot", notifying, polled, notifying, true},
		{"a tunnel that cannot, others that can", polled, notifying, notifying, false},
		{"a Denied that cannot, others that can", notifying, notifying, polled, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tun, l := tt.tun(), netlog.Logger{Upload: new(server).config(), Underlay: tt.underlay(), Denied: tt.denied()}
				startup(t, &l, tun, routes())
				time.Sleep(time.Minute + time.Second)
				qt.Check(t, l.Stats().Windows, qt.Equals, map[bool]uint64{true: 1, false: 12}[tt.sleeps])
				for _, d := range []netlog.Device{tun, l.Denied} {
					if n, ok := d.(*notifyingDevice); ok {
						yes, _ := n.registered()
						qt.Check(t, yes, qt.Equals, tt.sleeps)
					}
				}
				shutdown(t, &l)
			})
		})
	}
}

// TestSleepEndsAtAnyDevice: a device wakes the Logger while the others are idle, or were busy longer.
func TestSleepEndsAtAnyDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, tun, denied := new(server), new(notifyingDevice), new(notifyingDevice)
		l := netlog.Logger{Upload: srv.config(), Denied: denied}
		startup(t, &l, tun, routes())
		for range 8 { // tun is idle the while, and its first packet comes when nobody sleeps
			denied.count(toPeer, one)
			time.Sleep(time.Second)
		}
		tun.count(toPeer, one)
		time.Sleep(time.Minute)
		qt.Check(t, total(srv.received()).TxPackets, qt.Equals, uint64(1))
		qt.Check(t, totalDenied(srv.received()).TxPackets, qt.Equals, uint64(8))
		srv.take()
		for _, dev := range []*notifyingDevice{denied, tun} {
			dev.count(toPeer, one)
			time.Sleep(5*time.Second + time.Millisecond)
			qt.Check(t, srv.take(), qt.HasLen, 1)
			calls := tun.calls() + denied.calls()
			time.Sleep(time.Minute)
			qt.Check(t, tun.calls()+denied.calls(), qt.Equals, calls+2, qt.Commentf("one idle window"))
		}
		shutdown(t, &l)
	})
}

// TestSleepIgnoresUnderlay: its traffic waits for the next window of the tunnel.
func TestSleepIgnoresUnderlay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, tun, underlay := new(server), new(notifyingDevice), new(fakeDevice)
		l := netlog.Logger{Upload: srv.config(), Underlay: underlay}
		startup(t, &l, tun, routes())
		underlay.count(toPeer, one)
		time.Sleep(time.Minute)
		for range 60 {
			underlay.count(toPeer, one)
			time.Sleep(25 * time.Second)
		}
		qt.Check(t, l.Stats().Windows, qt.Equals, uint64(1))
		tun.count(toPeer, one)
		time.Sleep(6 * time.Second)
		qt.Check(t, physical(srv.received()).TxPackets, qt.Equals, uint64(61))
		shutdown(t, &l)
	})
}

func TestSleepBetweenBursts(t *testing.T) {
	sleeping(t, func(t *testing.T, l *netlog.Logger, srv *server, dev *notifyingDevice) {
		for range 50 { // busy, then idle, at any distance from the ticks
			dev.count(toPeer, one)
			time.Sleep(1100 * time.Millisecond)
			dev.count(toPeer, one)
			time.Sleep(7300 * time.Millisecond)
		}
		time.Sleep(time.Minute)
		qt.Check(t, total(srv.received()).TxPackets, qt.Equals, uint64(100))
		windows := l.Stats().Windows
		time.Sleep(time.Hour)
		qt.Check(t, l.Stats().Windows, qt.Equals, windows)
	})
}

func TestSleepAbandonedSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wait, release := hang()
		dev := new(notifyingDevice)
		var hung atomic.Bool
		l := netlog.Logger{Upload: new(server).config(), OnRecord: func(*netlog.Message) {
			if hung.Load() {
				wait()
			}
		}}
		startup(t, &l, dev, routes())
		hung.Store(true)
		dev.count(toPeer, one)
		time.Sleep(6 * time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		qt.Check(t, errors.Is(l.Shutdown(ctx), context.DeadlineExceeded), qt.IsTrue)
		release()
		synctest.Wait()
		_, calls := dev.registered()
		qt.Check(t, calls, qt.Equals, 1, qt.Commentf("an abandoned session makes no further device call"))
		for range 10 {
			dev.ExtractStatistics()
			dev.count(toPeer, one) // calls wake of the abandoned session, which does nothing
		}
		hung.Store(false)
		startup(t, &l, dev, routes())
		time.Sleep(time.Minute)
		windows := l.Stats().Windows
		dev.count(toPeer, one)
		time.Sleep(6 * time.Second)
		qt.Check(t, l.Stats().Windows, qt.Equals, windows+1)
		shutdown(t, &l)
	})
}

// TestSleepAbandonedWhileDisabling: the call that hung is the last one.
func TestSleepAbandonedWhileDisabling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wait, release := hang()
		dev := &hungSwitch{wait: wait}
		l := netlog.Logger{Upload: new(server).config()}
		startup(t, &l, dev, routes())
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		qt.Check(t, errors.Is(l.Shutdown(ctx), context.DeadlineExceeded), qt.IsTrue)
		before := dev.calls()
		release()
		synctest.Wait()
		_, calls := dev.registered()
		qt.Check(t, calls, qt.Equals, 1)
		qt.Check(t, dev.calls(), qt.Equals, before)
	})
}

// hungSwitch hangs when it is turned off.
type hungSwitch struct {
	notifyingDevice
	wait func()
}

func (d *hungSwitch) SetStatisticsEnabled(on bool) {
	d.notifyingDevice.SetStatisticsEnabled(on)
	if !on {
		d.wait()
	}
}

func TestStartupFailureEndsNotify(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dev := new(notifyingDevice)
		l := netlog.Logger{Upload: new(server).config(), Denied: new(brokenNotifier)}
		qt.Check(t, func() { startup(t, &l, dev, nil) }, qt.PanicMatches, "broken notifier")
		yes, calls := dev.registered()
		qt.Check(t, yes, qt.IsFalse)
		qt.Check(t, calls, qt.Equals, 2)
	})
}

// brokenNotifier panics when it is to notify.
type brokenNotifier struct{ fakeDevice }

func (*brokenNotifier) NotifyActivity(func()) { panic("broken notifier") }
