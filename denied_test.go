package netlog_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/record"
	"github.com/go-netlog/netlog/tunstats"
)

// deniedOf returns the denied entries of records.
func deniedOf(records []netlog.Message) (all []record.ConnectionCounts) {
	for _, m := range records {
		all = append(all, m.DeniedTraffic...)
	}
	return all
}

// totalDenied is the sum over the denied entries of records.
func totalDenied(records []netlog.Message) (sum tunstats.Counts) {
	for _, e := range deniedOf(records) {
		sum = sum.Add(e.Counts)
	}
	return sum
}

func TestDeniedExitPolicy(t *testing.T) {
	began := tunstats.Counts{RxPackets: 1, RxBytes: 60, RxFlags: tunstats.SYN}
	const inside = "TCP 100.64.0.1:4000 -> 100.64.0.2:22 tx 0/0 rx 1/60 S, TCP 100.64.0.1:4000 -> 192.168.7.9:80 tx 0/0 rx 1/60 S"
	for _, tt := range []struct {
		policy netlog.ExitPolicy
		want   string
	}{
		{netlog.ExitTotals, "unknown ? -> ? tx 0/0 rx 2/120, " + inside},
		{netlog.ExitByNode, "unknown 100.64.0.1:0 -> ? tx 0/0 rx 2/120, " + inside},
		{netlog.ExitFull, "UDP 100.64.0.1:4000 -> 8.8.8.8:53 tx 0/0 rx 1/60 S, UDP 100.64.0.1:4000 -> 8.8.8.9:53 tx 0/0 rx 1/60 S, " + inside},
	} {
		t.Run(fmt.Sprint(tt.policy), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv, dev, denied := new(server), new(fakeDevice), new(fakeDevice)
				l := netlog.Logger{Upload: srv.config(), Denied: denied, Exit: tt.policy}
				startup(t, &l, dev, routes("192.168.7.0/24"))
				other := toOutside
				other.Dst = netip.MustParseAddrPort("8.8.8.9:53")
				for _, f := range []flowtrack.Tuple{toPeer, toHost, toOutside, other} {
					denied.count(f, began)
				}
				shutdown(t, &l)

				records := srv.received()
				qt.Assert(t, records, qt.HasLen, 1, qt.Commentf("denied traffic alone makes a record"))
				var got []string
				for _, e := range records[0].DeniedTraffic {
					got = append(got, e.String())
				}
				qt.Check(t, strings.Join(got, ", "), qt.Equals, tt.want)
				qt.Check(t, total(records), qt.Equals, tunstats.Counts{}, qt.Commentf("it is in no other list"))
				qt.Check(t, l.Stats().Flows, qt.Equals, uint64(len(records[0].DeniedTraffic)))
			})
		})
	}
}

func TestDeniedLifecycle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, dev, denied := new(server), new(fakeDevice), new(fakeDevice)
		l := netlog.Logger{Upload: srv.config(), Denied: denied}
		denied.stale(toPeer, one)
		startup(t, &l, dev, routes())
		denied.count(toPeer, one)
		time.Sleep(6 * time.Second)
		denied.count(toPeer, one)
		shutdown(t, &l)
		denied.count(toPeer, one) // counting is off

		qt.Check(t, srv.received(), qt.HasLen, 2)
		qt.Check(t, totalDenied(srv.received()).TxPackets, qt.Equals, uint64(2))
		on, toggles, calls := denied.seen()
		qt.Check(t, on, qt.IsFalse)
		qt.Check(t, toggles, qt.Equals, 2)
		qt.Check(t, calls, qt.Equals, 5, qt.Commentf("stale, on, a window, off, the last window"))
	})
}

func TestDeniedIgnoreAndNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, dev, denied := new(server), new(fakeDevice), new(fakeDevice)
		l := netlog.Logger{
			Upload: srv.config(), Denied: denied,
			Ignore:     func(f flowtrack.Tuple) bool { return f == toHost },
			LookupNode: func(a netip.Addr) (netlog.Node, bool) { return netlog.Node{Name: a.String()}, true },
		}
		startup(t, &l, dev, routes("192.168.7.0/24"))
		for _, f := range []flowtrack.Tuple{toPeer, toHost, toOutside} {
			denied.count(f, one)
		}
		dev.count(toHost, tunstats.Counts{RxPackets: 1, RxBytes: 7})
		shutdown(t, &l)
		records := srv.received()
		qt.Check(t, records[0].DeniedTraffic, qt.HasLen, 2)
		qt.Assert(t, records[0].DstNodes, qt.HasLen, 1)
		qt.Check(t, records[0].DstNodes[0].Name, qt.Equals, peer.Addr().String())
		stats := l.Stats()
		qt.Check(t, stats.IgnoredFlows, qt.Equals, uint64(2))
		qt.Check(t, stats.IgnoredDenied, qt.Equals, one)
		qt.Check(t, stats.Ignored, qt.Equals, tunstats.Counts{RxPackets: 1, RxBytes: 7})
	})
}

func TestReconfigRoutesDenied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, dev, denied := new(server), new(fakeDevice), new(fakeDevice)
		l := netlog.Logger{Upload: srv.config(), Denied: denied}
		startup(t, &l, dev, routes("192.168.7.0/24"))
		denied.count(toHost, one)
		l.ReconfigRoutes(routes())
		time.Sleep(time.Second)
		denied.count(toHost, one) // the subnet is gone
		shutdown(t, &l)
		got := deniedOf(srv.received())
		qt.Assert(t, got, qt.HasLen, 2)
		qt.Check(t, got[0].Tuple, qt.Equals, toHost)
		qt.Check(t, got[1].Tuple, qt.Equals, flowtrack.Tuple{})
	})
}

// TestReconfigRoutesDuringSlowExtractionScrubsDenied: the Device counts on all the while.
func TestReconfigRoutesDuringSlowExtractionScrubsDenied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, dev, denied := new(server), new(fakeDevice), new(fakeDevice)
		l := netlog.Logger{Upload: srv.config(), Denied: denied}
		var slow atomic.Bool
		denied.extract = func() {
			if slow.CompareAndSwap(true, false) {
				l.ReconfigRoutes(routes())
				time.Sleep(4 * time.Second)
				denied.count(toHost, one)
			}
		}
		startup(t, &l, dev, routes("192.168.7.0/24"))
		slow.Store(true)
		time.Sleep(10 * time.Second)
		shutdown(t, &l)
		got := deniedOf(srv.received())
		qt.Assert(t, got, qt.HasLen, 1)
		qt.Check(t, got[0].Tuple, qt.Equals, flowtrack.Tuple{})
	})
}

func TestShutdownDeadlineWhileDeniedHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wait, release := hang()
		defer release()
		var hung atomic.Bool
		dev, underlay := new(fakeDevice), new(fakeDevice)
		denied := &fakeDevice{extract: func() {
			if hung.Load() {
				wait()
			}
		}}
		l := netlog.Logger{Upload: new(server).config(), Underlay: underlay, Denied: denied}
		startup(t, &l, dev, routes())
		hung.Store(true)
		time.Sleep(6 * time.Second) // the first poll hangs

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		qt.Check(t, l.Shutdown(ctx), qt.ErrorMatches, "(?s).*a Device or callback hangs.*")
		qt.Check(t, time.Since(began) <= 1100*time.Millisecond, qt.IsTrue)
		calls := func() (n int) {
			for _, d := range []*fakeDevice{dev, underlay, denied} {
				_, _, c := d.seen()
				n += c
			}
			return n
		}
		before := calls()
		release()
		synctest.Wait()
		qt.Check(t, calls(), qt.Equals, before+1, qt.Commentf("only the call that hung returns"))
	})
}
