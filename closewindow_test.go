package netlog_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/internal/secrettest"
	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/tunstats"
)

// udpPacket is an IPv4 packet of 28 bytes: two headers without a payload.
func udpPacket(src, dst netip.AddrPort) []byte {
	p := make([]byte, 28)
	p[0], p[3], p[8], p[9] = 0x45, 28, 64, 17
	copy(p[12:], src.Addr().AsSlice())
	copy(p[16:], dst.Addr().AsSlice())
	p[20], p[21] = byte(src.Port()>>8), byte(src.Port())
	p[22], p[23] = byte(dst.Port()>>8), byte(dst.Port())
	p[25] = 8
	return p
}

func TestReconfigRoutesRemovedPeerStaysVirtual(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, dev := new(server), new(fakeDevice)
		l := netlog.Logger{Upload: srv.config()}
		startup(t, &l, dev, routes())
		time.Sleep(2 * time.Second)
		dev.count(toPeer, one)
		l.ReconfigRoutes(&netlog.RouteConfig{LocalAddrs: routes().LocalAddrs})
		time.Sleep(time.Millisecond)
		synctest.Wait()
		dev.count(toPeer, one) // the peer is gone
		shutdown(t, &l)

		records := srv.received()
		qt.Assert(t, records, qt.HasLen, 2)
		qt.Check(t, records[0].VirtualTraffic, qt.HasLen, 1)
		qt.Check(t, records[1].VirtualTraffic, qt.HasLen, 0)
		qt.Check(t, records[1].ExitTraffic, qt.HasLen, 1)
	})
}

// While a callback hangs, routes are taken away, and what they led to is sent
// through the tunnel all the same.
func TestReconfigRoutesLateWindowScrubs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, dev := new(server), new(fakeDevice)
		hang := make(chan struct{})
		l := netlog.Logger{Upload: srv.config(), OnRecord: func(*netlog.Message) { <-hang }}
		startup(t, &l, dev, routes("192.168.7.0/24"))
		dev.count(toPeer, one)
		time.Sleep(6 * time.Second) // the first record is in OnRecord
		l.ReconfigRoutes(routes())
		time.Sleep(time.Minute)
		dev.count(toHost, one)
		dev.count(toPeer, one)
		l.ReconfigRoutes(routes()) // not the first change of this window
		close(hang)
		time.Sleep(time.Second)
		shutdown(t, &l)
		late := srv.received()[1]
		qt.Check(t, late.SubnetTraffic, qt.HasLen, 0)
		qt.Check(t, late.ExitTraffic, qt.HasLen, 1)
		qt.Check(t, late.VirtualTraffic, qt.HasLen, 1)
	})
}

// TestReconfigRoutesRestoredLateScrubs: while a callback hangs, a subnet is removed and comes back, and
// in between traffic to it is exit traffic.
func TestReconfigRoutesRestoredLateScrubs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, dev := new(server), new(fakeDevice)
		hang := make(chan struct{})
		l := netlog.Logger{Upload: srv.config(), PollPeriod: time.Minute, OnRecord: func(*netlog.Message) { <-hang }}
		startup(t, &l, dev, routes("192.168.7.0/24"))
		dev.count(toPeer, one)
		time.Sleep(61 * time.Second) // the first record is in OnRecord
		l.ReconfigRoutes(routes())
		time.Sleep(10 * time.Second)
		dev.count(toHost, one)
		time.Sleep(10 * time.Second)
		l.ReconfigRoutes(routes("192.168.7.0/24"))
		close(hang)
		time.Sleep(time.Second)
		dev.count(toHost, one)
		shutdown(t, &l)
		records := srv.received()
		qt.Assert(t, records, qt.HasLen, 3)
		qt.Check(t, records[1].SubnetTraffic, qt.HasLen, 0)
		qt.Check(t, records[1].ExitTraffic, qt.HasLen, 1)
		qt.Check(t, records[2].SubnetTraffic, qt.HasLen, 1, qt.Commentf("not late"))
	})
}

// TestReconfigRoutesDuringShutdownScrubs: a callback delays the last window, and the devices count on.
func TestReconfigRoutesDuringShutdownScrubs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, dev, denied := new(server), new(fakeDevice), new(fakeDevice)
		hang := make(chan struct{})
		l := netlog.Logger{Upload: srv.config(), Denied: denied, OnRecord: func(*netlog.Message) { <-hang }}
		startup(t, &l, dev, routes("192.168.7.0/24"))
		dev.count(toPeer, one)
		time.Sleep(6 * time.Second) // the first record is in OnRecord
		time.AfterFunc(time.Second, func() { l.ReconfigRoutes(routes()) })
		time.AfterFunc(30*time.Second, func() {
			dev.count(toHost, one)
			denied.count(toHost, one)
			close(hang)
		})
		shutdown(t, &l)
		last := srv.received()[1]
		qt.Check(t, last.SubnetTraffic, qt.HasLen, 0)
		qt.Check(t, last.ExitTraffic, qt.HasLen, 1)
		qt.Assert(t, last.DeniedTraffic, qt.HasLen, 1)
		qt.Check(t, last.DeniedTraffic[0].Tuple, qt.Equals, flowtrack.Tuple{})
	})
}

// TestReconfigRoutesDuringSlowExtractionScrubs: the Device counts on all the while.
func TestReconfigRoutesDuringSlowExtractionScrubs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, dev := new(server), new(fakeDevice)
		l := netlog.Logger{Upload: srv.config()}
		var slow atomic.Bool
		dev.extract = func() {
			if slow.CompareAndSwap(true, false) {
				l.ReconfigRoutes(routes())
				time.Sleep(4 * time.Second)
				dev.count(toHost, one)
			}
		}
		startup(t, &l, dev, routes("192.168.7.0/24"))
		slow.Store(true)
		time.Sleep(10 * time.Second)
		shutdown(t, &l)
		first := srv.received()[0]
		qt.Check(t, first.SubnetTraffic, qt.HasLen, 0)
		qt.Check(t, first.ExitTraffic, qt.HasLen, 1)
	})
}

func TestReconfigRoutesUncoversNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, dev := new(server), new(fakeDevice)
		l := netlog.Logger{Upload: srv.config()}
		// The new routes arrive while the window is being extracted.
		dev.extract = func() {
			if l.Running() {
				dev.count(toHost, one)
				l.ReconfigRoutes(routes("192.168.7.0/24"))
			}
		}
		startup(t, &l, dev, routes())
		time.Sleep(6 * time.Second)
		shutdown(t, &l)
		first := srv.received()[0]
		qt.Check(t, first.SubnetTraffic, qt.HasLen, 0)
		qt.Check(t, first.ExitTraffic, qt.HasLen, 1)
	})
}

func TestReconfigRoutesOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, dev := new(server), new(fakeDevice)
		l := netlog.Logger{Upload: srv.config(), PollPeriod: time.Hour}
		startup(t, &l, dev, routes())
		for i := range 10_000 { // ten seconds
			l.ReconfigRoutes(routes(fmt.Sprintf("192.168.%d.0/24", i%200)))
			time.Sleep(time.Millisecond)
		}
		windows := l.Stats().Windows
		qt.Check(t, windows >= 9 && windows <= 11, qt.IsTrue, qt.Commentf("%d windows", windows))

		l.ReconfigRoutes(routes("192.168.7.0/24")) // the newest wins
		time.Sleep(2 * time.Second)
		dev.count(toHost, one)
		shutdown(t, &l)
		records := srv.received()
		qt.Assert(t, records, qt.HasLen, 1)
		qt.Check(t, records[0].SubnetTraffic, qt.HasLen, 1)
	})
}

func TestReconfigRoutesEqualDoesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dev := new(fakeDevice)
		l := netlog.Logger{Upload: new(server).config()}
		startup(t, &l, dev, routes("10.0.0.0/24"))
		l.ReconfigRoutes(routes("10.0.0.0/25", "10.0.0.128/25"))
		time.Sleep(3 * time.Second)
		qt.Check(t, l.Stats().Windows, qt.Equals, uint64(0))
		shutdown(t, &l)
	})
}

// TestReconfigRoutesEqualDoesNotAgeNext: a daemon that says the same again must not make
// the change behind it a late one, which is scrubbed.
func TestReconfigRoutesEqualDoesNotAgeNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, dev := new(server), new(fakeDevice)
		l := netlog.Logger{Upload: srv.config(), PollPeriod: time.Minute}
		startup(t, &l, dev, routes("192.168.7.0/24"))
		dev.count(toHost, one)
		l.ReconfigRoutes(routes("192.168.7.0/24"))
		time.Sleep(30 * time.Second)
		l.ReconfigRoutes(routes())
		time.Sleep(2 * time.Second)
		shutdown(t, &l)
		records := srv.received()
		qt.Assert(t, records, qt.HasLen, 1)
		qt.Check(t, records[0].SubnetTraffic, qt.HasLen, 1)
		qt.Check(t, records[0].ExitTraffic, qt.HasLen, 0)
	})
}

// spellings are the forms in which an address might leave.
func spellings(a netip.Addr) [][]byte {
	raw := a.AsSlice()
	forms := []string{
		a.String(), a.StringExpanded(), strings.ToUpper(a.String()),
		netip.AddrFrom16(a.As16()).String(), // ::ffff:8.8.8.8
		hex.EncodeToString(raw), strings.ToUpper(hex.EncodeToString(raw)),
	}
	var out [][]byte
	for _, f := range forms {
		out = append(out, []byte(f))
	}
	return out
}

func TestExitPolicyHidesDestinations(t *testing.T) {
	for _, policy := range []netlog.ExitPolicy{netlog.ExitTotals, netlog.ExitByNode} {
		t.Run(fmt.Sprint(policy), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rnd := rand.New(rand.NewPCG(1, uint64(policy)))
				srv, dev, denied := new(server), new(fakeDevice), new(fakeDevice)
				var said bytes.Buffer
				var destinations []netip.Addr
				l := netlog.Logger{
					Upload: srv.config(), Exit: policy, Denied: denied,
					Logf:     func(f string, a ...any) { fmt.Fprintf(&said, f, a...) },
					OnRecord: func(m *netlog.Message) { fmt.Fprintf(&said, "%+v", m) },
					LookupNode: func(a netip.Addr) (netlog.Node, bool) {
						fmt.Fprintf(&said, "%v %x", a, a.AsSlice())
						return netlog.Node{Name: "n"}, true
					},
				}
				startup(t, &l, dev, routes("0.0.0.0/1", "128.0.0.0/1", "2000::/3", "10.0.0.0/8"))
				for range 20 {
					for range 200 {
						dst := netip.AddrFrom4([4]byte{byte(11 + rnd.IntN(80)), byte(rnd.IntN(256)), byte(rnd.IntN(256)), byte(100 + rnd.IntN(100))})
						if rnd.IntN(2) == 0 {
							raw := [16]byte{0: 0x20, 1: 0x01, 2: 0x48, 3: 0x60}
							for i := 4; i < 16; i++ {
								raw[i] = byte(rnd.Uint32())
							}
							dst = netip.AddrFrom16(raw)
						}
						destinations = append(destinations, dst)
						dev.count(flowtrack.Tuple{Proto: flowtrack.TCP, Src: local, Dst: netip.AddrPortFrom(dst, 443)}, one)
						dev.count(flowtrack.Tuple{Proto: flowtrack.TCP, Src: netip.AddrPortFrom(dst, 80), Dst: peer}, one)
						denied.count(flowtrack.Tuple{Proto: flowtrack.TCP, Src: local, Dst: netip.AddrPortFrom(dst, 25)}, one)
						denied.count(flowtrack.Tuple{Proto: flowtrack.TCP, Src: netip.AddrPortFrom(dst, 81), Dst: peer}, one)
					}
					dev.count(toPeer, one)
					time.Sleep(5 * time.Second)
				}
				shutdown(t, &l)
				qt.Assert(t, total(srv.received()).TxPackets, qt.Equals, uint64(20*401))
				qt.Assert(t, totalDenied(srv.received()).TxPackets, qt.Equals, uint64(20*400))
				for _, dst := range destinations {
					for _, form := range spellings(dst) {
						for name, out := range map[string][]byte{"wire": srv.bodies.Bytes(), "body": srv.plain.Bytes(), "callbacks": said.Bytes()} {
							if len(form) >= 7 && bytes.Contains(out, form) {
								t.Fatalf("%s: %q left in the %s", dst, form, name)
							}
						}
					}
				}
			})
		})
	}
}

func TestBooksBalance(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rnd := rand.New(rand.NewPCG(seed, 2))
				srv, dev, filter := new(server), new(fakeDevice), new(fakeDevice)
				l := netlog.Logger{
					Upload: srv.config(), Exit: netlog.ExitPolicy(seed % 3), Denied: filter,
					Ignore: func(t flowtrack.Tuple) bool { return t.Dst.Port() == 53 },
				}
				l.Upload.Buffer = logtail.NewMemoryBuffer(1 << 20) // so that windows are folded, and records split
				var counted, ignored, denied, ignoredDenied tunstats.Counts
				for range 3 {
					startup(t, &l, dev, routes())
					for range 4 {
						for range rnd.IntN(4000) {
							tuple := randomTuple(rnd)
							c := tunstats.Counts{
								TxPackets: rnd.Uint64N(100), TxBytes: rnd.Uint64N(1e6),
								RxPackets: rnd.Uint64N(100), RxBytes: 1 + rnd.Uint64N(1e6),
							}
							if rnd.IntN(4) == 0 {
								filter.count(tuple, c)
								denied = denied.Add(c)
								continue
							}
							dev.count(tuple, c)
							counted = counted.Add(c)
						}
						if rnd.IntN(3) == 0 {
							l.ReconfigRoutes(routes(fmt.Sprintf("192.168.0.0/%d", 16+rnd.IntN(8))))
						}
						time.Sleep(time.Duration(rnd.IntN(7000)) * time.Millisecond)
					}
					shutdown(t, &l)
					ignored = ignored.Add(l.Stats().Ignored)
					ignoredDenied = ignoredDenied.Add(l.Stats().IgnoredDenied)
				}
				qt.Check(t, total(srv.received()).Add(ignored), qt.Equals, counted)
				qt.Check(t, totalDenied(srv.received()).Add(ignoredDenied), qt.Equals, denied)
				qt.Check(t, ignored.RxBytes > 0 && ignoredDenied.RxBytes > 0, qt.IsTrue)
				for _, m := range srv.received() {
					qt.Check(t, m.End.Before(m.Start), qt.IsFalse)
				}
			})
		})
	}
}

func randomTuple(rnd *rand.Rand) flowtrack.Tuple {
	side := func() netip.AddrPort {
		port := uint16(rnd.IntN(4000))
		if rnd.IntN(20) == 0 {
			port = 53
		}
		switch rnd.IntN(5) {
		case 0:
			return netip.AddrPortFrom(local.Addr(), port)
		case 1:
			return netip.AddrPortFrom(peer.Addr(), port)
		case 2:
			return netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 168, byte(rnd.IntN(256)), byte(rnd.IntN(256))}), port)
		case 3:
			return netip.AddrPort{}
		}
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{byte(rnd.IntN(256)), 9, 9, 9}), port)
	}
	return flowtrack.Tuple{Proto: flowtrack.Proto(rnd.IntN(20)), Src: side(), Dst: side()}
}

func TestUnderlayAloneMakesNoRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, dev, underlay := new(server), new(fakeDevice), new(fakeDevice)
		l := netlog.Logger{Upload: srv.config(), Underlay: underlay}
		path := flowtrack.Tuple{Src: netip.AddrPortFrom(peer.Addr(), 0), Dst: netip.MustParseAddrPort("[fe80::7%eth0]:41641")}
		startup(t, &l, dev, routes())
		time.Sleep(time.Second) // between the ticks
		for range 100 {
			underlay.count(path, tunstats.Counts{TxBytes: 32}) // keepalives
			time.Sleep(5 * time.Second)
		}
		qt.Check(t, srv.received(), qt.HasLen, 0)
		dev.count(toPeer, one)
		time.Sleep(5 * time.Second)
		underlay.count(path, tunstats.Counts{TxBytes: 1})
		shutdown(t, &l)

		records := srv.received()
		qt.Assert(t, records, qt.HasLen, 2)
		qt.Assert(t, records[0].PhysicalTraffic, qt.HasLen, 1)
		qt.Check(t, records[0].PhysicalTraffic[0].Dst, qt.Equals, netip.MustParseAddrPort("[fe80::7]:41641"))
		qt.Check(t, records[0].PhysicalTraffic[0].TxBytes, qt.Equals, uint64(3200))
		qt.Assert(t, records[1].PhysicalTraffic, qt.HasLen, 1, qt.Commentf("Shutdown holds nothing back"))
		qt.Check(t, records[1].PhysicalTraffic[0].TxBytes, qt.Equals, uint64(1))
		_, toggles, _ := underlay.seen()
		qt.Check(t, toggles, qt.Equals, 2)
	})
}

func TestLookupNodeNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, dev := new(server), new(fakeDevice)
		var asked []netip.Addr
		l := netlog.Logger{Upload: srv.config(), Exit: netlog.ExitFull, LookupNode: func(a netip.Addr) (netlog.Node, bool) {
			asked = append(asked, a)
			return netlog.Node{Name: "node-" + a.String(), Addresses: make([]netip.Addr, 1)}, true // an invalid one is none
		}}
		startup(t, &l, dev, routes())
		dev.count(toPeer, one)
		dev.count(toOutside, one)
		shutdown(t, &l)
		m := srv.received()[0]
		node := func(a string) []netlog.Node {
			return []netlog.Node{{Name: "node-" + a, Addresses: []netip.Addr{netip.MustParseAddr(a)}}}
		}
		qt.Check(t, fmt.Sprint([]netlog.Node{m.SrcNode}), qt.Equals, fmt.Sprint(node("100.64.0.1")))
		qt.Check(t, fmt.Sprint(m.DstNodes), qt.Equals, fmt.Sprint(node("100.64.0.2")))
		for _, a := range asked {
			qt.Check(t, a, qt.Not(qt.Equals), outside.Addr())
		}
	})
}

func TestNoUpload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dev := new(fakeDevice)
		var records []*netlog.Message
		l := netlog.Logger{NoUpload: true, OnRecord: func(m *netlog.Message) { records = append(records, m.Clone()) }}
		l.Upload.BaseURL = "not a URL" // is not looked at
		startup(t, &l, dev, routes())
		dev.count(toPeer, one)
		time.Sleep(6 * time.Second)
		dev.count(toHost, one)
		shutdown(t, &l)
		qt.Assert(t, records, qt.HasLen, 2)
		qt.Check(t, records[0].VirtualTraffic[0].Tuple, qt.Equals, toPeer, qt.Commentf("the clone is kept"))
		qt.Check(t, l.Stats().Upload, qt.Equals, logtail.Stats{})
	})
}

func TestUploadURLSetsNodeID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, dev := new(server), new(fakeDevice)
		l := netlog.Logger{Upload: srv.config()}
		l.Upload.URL = "http://127.0.0.1:9428/insert/jsonline"
		id := secrettest.NewID()
		qt.Assert(t, l.Startup(id, logtail.PrivateID{}, dev, nil), qt.IsNil)
		dev.count(toPeer, one)
		shutdown(t, &l)
		qt.Check(t, srv.received()[0].NodeID, qt.Equals, id.Public().String())
	})
}

func TestStartupRandomID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, dev := new(server), new(fakeDevice)
		var nodes []string
		l := netlog.Logger{Upload: srv.config(), OnRecord: func(m *netlog.Message) { nodes = append(nodes, m.NodeID) }}
		l.Upload.URL = "http://127.0.0.1:9428/insert/jsonline"
		for range 2 {
			qt.Assert(t, l.Startup(logtail.PrivateID{}, logtail.PrivateID{}, dev, nil), qt.IsNil)
			dev.count(toPeer, one)
			shutdown(t, &l)
		}
		qt.Assert(t, nodes, qt.HasLen, 2)
		qt.Check(t, nodes[0], qt.Not(qt.Equals), nodes[1])
		qt.Check(t, l.Upload.PrivateID, qt.Equals, logtail.PrivateID{}, qt.Commentf("the caller's settings are his own"))
	})
}

func TestMemoryBeforeUpload(t *testing.T) {
	srv := new(server)
	dev := new(tunstats.Meter)
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	l := netlog.Logger{Upload: srv.config()}
	startup(t, &l, dev, routes())
	after := heap()
	qt.Check(t, int64(after)-int64(before) < 1<<20, qt.IsTrue, qt.Commentf("%d bytes", int64(after)-int64(before)))
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	qt.Check(t, l.Shutdown(ctx), qt.IsNil)
}

// TestUnderlaySlowDoesNotDelayWindow checks that a slow Underlay neither moves the end of the
// window of the tunnel nor makes routes look late that arrived after its extraction.
func TestUnderlaySlowDoesNotDelayWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, dev, underlay := new(server), new(fakeDevice), new(fakeDevice)
		l := netlog.Logger{Upload: srv.config(), Underlay: underlay}
		var slow atomic.Bool
		underlay.extract = func() {
			if slow.CompareAndSwap(true, false) {
				l.ReconfigRoutes(routes())
				time.Sleep(4 * time.Second)
			}
		}
		startup(t, &l, dev, routes("192.168.7.0/24"))
		dev.count(toHost, one)
		slow.Store(true)
		time.Sleep(10 * time.Second)
		shutdown(t, &l)
		first := srv.received()[0]
		qt.Check(t, first.End.Sub(first.Start), qt.Equals, 5*time.Second)
		qt.Check(t, first.SubnetTraffic, qt.HasLen, 1)
	})
}
