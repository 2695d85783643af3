package netlog_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/tunstats"
)

// manyPeer returns address i of 10.0.0.0/8.
func manyPeer(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
}

// countMany gives dev one flow, denied one flow, and underlay one path for each of n peers.
func countMany(dev, denied, underlay *fakeDevice, n int) {
	for i := range n {
		at := netip.AddrPortFrom(manyPeer(i), 443)
		dev.count(flowtrack.Tuple{Proto: flowtrack.TCP, Src: local, Dst: at}, one)
		denied.count(flowtrack.Tuple{Proto: flowtrack.TCP, Src: at, Dst: local}, tunstats.Counts{RxPackets: 1, RxBytes: 60, RxFlags: tunstats.SYN})
		underlay.count(flowtrack.Tuple{
			Src: netip.AddrPortFrom(at.Addr(), 0),
			Dst: netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, byte(i >> 8), byte(i)}), 41641),
		}, tunstats.Counts{TxBytes: 150})
	}
}

func physical(records []netlog.Message) (sum tunstats.Counts) {
	for _, m := range records {
		for _, e := range m.PhysicalTraffic {
			sum = sum.Add(e.Counts)
		}
	}
	return sum
}

func TestWindowQuarterOfBuffer(t *testing.T) {
	for _, test := range []struct {
		name       string
		buffer     int // bytes
		peers      int
		namesBytes int // of each Node
	}{
		{"what is small is shown whole", 1 << 20, 100, 100},
		{"many flows, many paths and long names", 1 << 20, 20_000, 3000},
		{"many flows, many paths and short names", 1 << 20, 20_000, 1},
		{"a tiny buffer", 16 << 10, 1000, 400},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv, dev, denied, underlay := new(server), new(fakeDevice), new(fakeDevice), new(fakeDevice)
				name := strings.Repeat("x", test.namesBytes)
				l := netlog.Logger{Upload: srv.config(), Underlay: underlay, Denied: denied}
				l.LookupNode = func(netip.Addr) (netlog.Node, bool) { return netlog.Node{Name: name}, true }
				l.Upload.Buffer = logtail.NewMemoryBuffer(int64(test.buffer))
				startup(t, &l, dev, routes("10.0.0.0/8"))
				countMany(dev, denied, underlay, test.peers)
				shutdown(t, &l)

				records := srv.received()
				const heads = 1 << 10 // metadata and srcNode of a record, at most here
				qt.Check(t, srv.plain.Len() <= test.buffer/4+len(records)*(heads+len(name)), qt.IsTrue,
					qt.Commentf("%d bytes in %d records", srv.plain.Len(), len(records)))
				qt.Check(t, l.Stats().DroppedRecords, qt.Equals, uint64(0))
				qt.Check(t, l.Stats().Upload.DroppedEntries, qt.Equals, uint64(0))
				n := uint64(test.peers)
				qt.Check(t, total(records), qt.Equals, tunstats.Counts{TxPackets: n, TxBytes: n * one.TxBytes})
				qt.Check(t, physical(records), qt.Equals, tunstats.Counts{TxBytes: n * 150})
				d := totalDenied(records)
				qt.Check(t, [2]uint64{d.RxPackets, d.RxBytes}, qt.Equals, [2]uint64{n, n * 60})
				qt.Check(t, len(records[0].DstNodes) > 0, qt.IsTrue)
				qt.Check(t, l.Stats().FoldedFlows > 0, qt.Equals, test.peers > 100)
			})
		})
	}
}

// boundlessBuffer does not tell its bound.
type boundlessBuffer struct{ logtail.Buffer }

func (b boundlessBuffer) Stats() logtail.BufferStats {
	s := b.Buffer.Stats()
	s.MaxBytes = 0
	return s
}

func TestWindowBufferWithoutBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, dev := new(server), new(fakeDevice)
		l := netlog.Logger{Upload: srv.config()}
		l.Upload.Buffer = boundlessBuffer{logtail.NewMemoryBuffer(0)}
		startup(t, &l, dev, routes())
		dev.count(toPeer, one)
		shutdown(t, &l)
		qt.Assert(t, srv.received(), qt.HasLen, 1)
		qt.Check(t, srv.received()[0].VirtualTraffic, qt.HasLen, 1)
	})
}

// sameMapDevice returns one map again and again.
type sameMapDevice struct {
	flows map[flowtrack.Tuple]tunstats.Counts
}

func (sameMapDevice) SetStatisticsEnabled(bool) {}

func (d sameMapDevice) ExtractStatistics() map[flowtrack.Tuple]tunstats.Counts { return d.flows }

func TestUnderlayReusedMap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, dev := new(server), new(fakeDevice)
		l := netlog.Logger{Upload: srv.config(), Underlay: sameMapDevice{map[flowtrack.Tuple]tunstats.Counts{toPeer: one}}}
		startup(t, &l, dev, routes())
		time.Sleep(99*5*time.Second + time.Second)
		shutdown(t, &l)
		qt.Check(t, physical(srv.received()).TxPackets, qt.Equals, uint64(100))
	})
	synctest.Test(t, func(t *testing.T) {
		srv := new(server)
		l := netlog.Logger{Upload: srv.config()}
		startup(t, &l, sameMapDevice{map[flowtrack.Tuple]tunstats.Counts{toPeer: one}}, routes())
		time.Sleep(99*5*time.Second + time.Second)
		shutdown(t, &l)
		qt.Check(t, total(srv.received()).TxPackets, qt.Equals, uint64(100))
	})
}

func TestLookupNodeHidesExitDestination(t *testing.T) {
	for _, policy := range []netlog.ExitPolicy{netlog.ExitTotals, netlog.ExitByNode} {
		synctest.Test(t, func(t *testing.T) {
			srv, dev := new(server), new(fakeDevice)
			given := []netip.Addr{outside.Addr(), peer.Addr(), netip.AddrFrom16(outside.Addr().As16()), {}}
			l := netlog.Logger{Upload: srv.config(), Exit: policy}
			l.LookupNode = func(netip.Addr) (netlog.Node, bool) {
				return netlog.Node{Name: "n", Addresses: given}, true
			}
			var said strings.Builder
			l.OnRecord = func(m *netlog.Message) {
				for _, n := range slices.Concat(m.DstNodes, []netlog.Node{m.SrcNode}) {
					for _, a := range n.Addresses {
						said.WriteString(a.String())
					}
				}
			}
			startup(t, &l, dev, routes())
			dev.count(toOutside, one)
			dev.count(toPeer, one)
			shutdown(t, &l)
			qt.Check(t, fmt.Sprint(srv.received()[0].SrcNode.Addresses), qt.Equals, "[100.64.0.2]")
			qt.Check(t, strings.Contains(srv.plain.String()+said.String(), outside.Addr().String()), qt.IsFalse)
			qt.Check(t, given[0], qt.Equals, outside.Addr(), qt.Commentf("the host's slice was changed"))
		})
	}
}
