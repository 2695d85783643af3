package netlog_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog"
)

// lossyDevice is a Device that also loses packets.
type lossyDevice struct {
	fakeDevice
	lost atomic.Uint64
}

func (d *lossyDevice) LostPackets() uint64 { return d.lost.Load() }

// lostOf returns the LostPackets of each record.
func lostOf(records []netlog.Message) (all []uint64) {
	for _, m := range records {
		all = append(all, m.LostPackets)
	}
	return all
}

func TestLostPacketsInNextRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, dev, denied := new(server), new(lossyDevice), new(lossyDevice)
		dev.lost.Store(7) // before Startup
		l := netlog.Logger{Upload: srv.config(), Denied: denied}
		startup(t, &l, dev, routes())

		dev.count(toPeer, one)
		dev.lost.Add(3)
		time.Sleep(6 * time.Second)
		dev.lost.Add(20) // alone they make no record
		time.Sleep(15 * time.Second)
		dev.count(toPeer, one)
		denied.lost.Add(100)
		time.Sleep(6 * time.Second)
		dev.count(toPeer, one)
		time.Sleep(6 * time.Second)
		dev.lost.Add(1) // unless the window is the last one
		shutdown(t, &l)
		qt.Check(t, lostOf(srv.received()), qt.DeepEquals, []uint64{3, 120, 0, 1})
	})
}

func TestLostPacketsOfSecondSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, dev := new(server), new(lossyDevice)
		l := netlog.Logger{Upload: srv.config()}
		for range 2 {
			startup(t, &l, dev, routes())
			dev.count(toPeer, one)
			dev.lost.Add(3)
			shutdown(t, &l)
			dev.lost.Add(50) // while no Logger runs
		}
		qt.Check(t, lostOf(srv.received()), qt.DeepEquals, []uint64{3, 3})
	})
}

// TestLostPacketsDecrease: a Device that starts to count anew, although it should not, does not make a loss of 2^64.
func TestLostPacketsDecrease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, dev := new(server), new(lossyDevice)
		l := netlog.Logger{Upload: srv.config()}
		startup(t, &l, dev, routes())
		for _, total := range []uint64{7, 2, 6} {
			dev.count(toPeer, one)
			dev.lost.Store(total)
			time.Sleep(6 * time.Second)
		}
		shutdown(t, &l)
		qt.Check(t, lostOf(srv.received()), qt.DeepEquals, []uint64{7, 0, 4})
	})
}
