package netlog_test

import (
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog"
)

// checkAdjoining checks that each record begins a nanosecond after the one before.
func checkAdjoining(t *testing.T, records []netlog.Message) {
	t.Helper()
	for i := range records[1:] {
		qt.Check(t, records[i+1].Start.Sub(records[i].End), qt.Equals, time.Nanosecond, qt.Commentf("record %d", i+1))
	}
}

func TestReconfigRoutesWindowsAdjoin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, dev := new(server), new(fakeDevice)
		l := netlog.Logger{Upload: srv.config()}
		startup(t, &l, dev, routes())
		for _, more := range []string{"10.0.0.0/8", "10.0.0.0/9", "10.0.0.0/10"} {
			dev.count(toPeer, one)
			time.Sleep(1200 * time.Millisecond)
			l.ReconfigRoutes(routes(more))
			synctest.Wait()
		}
		dev.count(toPeer, one)
		shutdown(t, &l)
		qt.Assert(t, srv.received(), qt.HasLen, 4)
		checkAdjoining(t, srv.received())
	})
}

func TestSlowDeviceLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, dev := new(server), new(fakeDevice)
		l := netlog.Logger{Upload: srv.config()}
		dev.extract = func() {
			if l.Running() {
				time.Sleep(12 * time.Second)
			}
		}
		startup(t, &l, dev, routes())
		for range 60 {
			dev.count(toPeer, one)
			time.Sleep(time.Second)
		}
		shutdown(t, &l)
		records := srv.received()
		qt.Check(t, total(records).TxPackets, qt.Equals, uint64(60))
		checkAdjoining(t, records)
		for _, m := range records[1 : len(records)-1] {
			qt.Check(t, m.End.Sub(m.Start) >= 12*time.Second-time.Microsecond, qt.IsTrue)
		}
	})
}

func TestShutdownIgnoresPendingRoutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, dev := new(server), new(fakeDevice)
		l := netlog.Logger{Upload: srv.config()}
		startup(t, &l, dev, routes())
		l.ReconfigRoutes(routes("10.0.0.0/8"))
		synctest.Wait()
		dev.count(toHost, one)                     // exit traffic
		l.ReconfigRoutes(routes("192.168.7.0/24")) // too soon
		synctest.Wait()
		shutdown(t, &l)
		qt.Assert(t, srv.received(), qt.HasLen, 1)
		qt.Check(t, srv.received()[0].SubnetTraffic, qt.HasLen, 0)
		qt.Check(t, srv.received()[0].ExitTraffic, qt.HasLen, 1)
	})
}
