package wgtun_test

import (
	"bytes"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"
	"golang.zx2c4.com/wireguard/conn"
	"golang.zx2c4.com/wireguard/conn/bindtest"
	"golang.zx2c4.com/wireguard/device"
	"golang.zx2c4.com/wireguard/tun/tuntest"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/tunstats"
	"github.com/go-netlog/netlog/wgtun"
	"github.com/go-netlog/netlog/wgtun/internal/wgconf"
)

// node is one end of a tunnel, with a wrapped test tun of wireguard-go.
type node struct {
	addr netip.Addr
	key  wgconf.Key
	host *tuntest.ChannelTUN
	tun  *wgtun.Device
	dev  *device.Device
}

func (n *node) peer(endpoint netip.AddrPort) wgconf.Peer {
	return wgconf.Peer{
		Public:    n.key.Public,
		Endpoint:  endpoint,
		AllowedIP: []netip.Prefix{netip.PrefixFrom(n.addr, n.addr.BitLen())},
	}
}

// newPair returns two nodes that are peers and count packets. It closes them at the end of the test.
func newPair(t *testing.T, binds [2]conn.Bind) *[2]node {
	c := qt.New(t)
	var pair [2]node
	for i := range pair {
		n := &pair[i]
		key, err := wgconf.NewKey()
		c.Assert(err, qt.IsNil)
		n.addr = netip.AddrFrom4([4]byte{1, 0, 0, byte(i + 1)})
		n.key = key
		n.host = tuntest.NewChannelTUN()
		n.tun = wgtun.Wrap(n.host.TUN())
		n.tun.SetStatisticsEnabled(true)
		n.dev = device.NewDevice(n.tun, binds[i], device.NewLogger(device.LogLevelError, fmt.Sprintf("node %d: ", i)))
		t.Cleanup(n.dev.Close)
		c.Assert(n.dev.IpcSet(wgconf.Device(key.Private, 0)), qt.IsNil)
		c.Assert(n.dev.Up(), qt.IsNil)
	}
	for i := range pair {
		config, err := pair[1-i].dev.IpcGet()
		c.Assert(err, qt.IsNil)
		endpoint := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), wgconf.ListenPort(config))
		c.Assert(pair[i].dev.IpcSet(pair[1-i].peer(endpoint).String()), qt.IsNil)
	}
	return &pair
}

// ping sends one packet from a to b.
func ping(t *testing.T, a, b *node) {
	t.Helper()
	msg := tuntest.Ping(b.addr, a.addr)
	a.host.Outbound <- msg
	select {
	case got := <-b.host.Inbound:
		qt.Check(t, bytes.Equal(got, msg), qt.IsTrue)
	case <-time.After(time.Minute):
		t.Fatal("the packet did not arrive")
	}
}

func binds() map[string][2]conn.Bind {
	return map[string][2]conn.Bind{
		"sockets":  {conn.NewDefaultBind(), conn.NewDefaultBind()},
		"channels": bindtest.NewChannelBinds(),
	}
}

func TestWireGuardCounts(t *testing.T) {
	for name, binds := range binds() {
		t.Run(name, func(t *testing.T) {
			c := qt.New(t)
			pair := newPair(t, binds)
			a, b := &pair[0], &pair[1]
			for range 10 {
				ping(t, a, b)
			}
			for range 5 {
				ping(t, b, a)
			}
			const size = 32 // of a packet from tuntest.Ping
			want := func(src, dst netip.Addr, tx, rx int) map[string]string {
				return map[string]string{
					fmt.Sprintf("ICMPv4 %v:0 -> %v:0", src, dst): fmt.Sprintf("tx %d/%d rx %d/%d", tx, tx*size, rx, rx*size),
				}
			}
			c.Check(flows(a.tun.ExtractStatistics()), qt.DeepEquals, want(a.addr, b.addr, 10, 5))
			c.Check(flows(b.tun.ExtractStatistics()), qt.DeepEquals, want(b.addr, a.addr, 5, 10))
		})
	}
}

func TestWireGuardUpDown(t *testing.T) {
	c := qt.New(t)
	pair := newPair(t, bindtest.NewChannelBinds())
	var wg sync.WaitGroup
	for i := range pair {
		u := wgtun.Underlay(pair[i].dev)
		done := make(chan struct{})
		wg.Go(func() {
			defer close(done)
			for range 50 {
				c.Check(pair[i].dev.Down(), qt.IsNil)
				c.Check(pair[i].dev.Up(), qt.IsNil)
			}
		})
		wg.Go(func() {
			for enable := true; ; enable = !enable {
				select {
				case <-done:
					return
				default:
				}
				u.SetStatisticsEnabled(enable)
				u.ExtractStatistics()
			}
		})
	}
	wg.Wait()
	ping(t, &pair[0], &pair[1])
}

func TestUnderlayWireGuard(t *testing.T) {
	c := qt.New(t)
	pair := newPair(t, binds()["sockets"])
	a, b := &pair[0], &pair[1]
	ping(t, a, b) // the handshake
	under := wgtun.Underlay(a.dev)
	under.SetStatisticsEnabled(true)
	for range 10 {
		ping(t, a, b)
	}
	got := under.ExtractStatistics()
	c.Assert(got, qt.HasLen, 1)
	for tuple, n := range got {
		c.Check(tuple.Src, qt.Equals, netip.AddrPortFrom(b.addr, 0))
		c.Check(tuple.Dst.Addr(), qt.Equals, netip.MustParseAddr("127.0.0.1"))
		c.Check(tuple.Dst.Port(), qt.Not(qt.Equals), uint16(0))
		// Ten packets of 32 bytes, each with a header of 16 bytes and a tag of 16. The sender
		// counts after sending, so the last may be missing.
		c.Check(n.TxBytes >= 9*64, qt.IsTrue, qt.Commentf("%d bytes", n.TxBytes))
		c.Check(n.TxPackets, qt.Equals, uint64(0))
	}
	cfg, err := wgtun.Routes(a.dev, netip.PrefixFrom(a.addr, 24))
	c.Assert(err, qt.IsNil)
	c.Check(fmt.Sprint(*cfg), qt.Equals, "{[1.0.0.1/24] [1.0.0.2/32] [] []}")

	// A removed peer is not reported. If it is added again, it counts from zero.
	c.Assert(a.dev.IpcSet(wgconf.Remove(b.key.Public)), qt.IsNil)
	c.Check(under.ExtractStatistics(), qt.HasLen, 0)
	gone := netip.MustParseAddrPort("127.0.0.1:9") // not in use, but a handshake is sent there
	c.Assert(a.dev.IpcSet(b.peer(gone).String()), qt.IsNil)
	a.host.Outbound <- tuntest.Ping(b.addr, a.addr)
	a.host.Outbound <- nil // accepted only after the packet before has been handled
	const initiation = 148 // bytes
	c.Check(under.ExtractStatistics(), qt.DeepEquals, map[flowtrack.Tuple]tunstats.Counts{
		{Src: netip.AddrPortFrom(b.addr, 0), Dst: gone}: {TxBytes: initiation},
	})

	a.dev.Close()
	c.Check(under.ExtractStatistics(), qt.HasLen, 0)
}

// nosyBind calls a function while the device opens and closes it, and holds the locks that are needed
// to read the configuration.
type nosyBind struct {
	conn.Bind
	ask atomic.Pointer[func()] // may be nil
}

func (b *nosyBind) Open(port uint16) ([]conn.ReceiveFunc, uint16, error) {
	if ask := b.ask.Load(); ask != nil {
		(*ask)()
	}
	return b.Bind.Open(port)
}

func (b *nosyBind) Close() error {
	if ask := b.ask.Load(); ask != nil {
		(*ask)()
	}
	return b.Bind.Close()
}

func TestUnderlayRoutesInsideUpDown(t *testing.T) {
	c := qt.New(t)
	bind := &nosyBind{Bind: conn.NewDefaultBind()}
	dev := device.NewDevice(wgtun.Wrap(tuntest.NewChannelTUN().TUN()), bind, device.NewLogger(device.LogLevelSilent, ""))
	defer dev.Close()
	c.Assert(dev.Up(), qt.IsNil)
	under := wgtun.Underlay(dev)
	under.SetStatisticsEnabled(true)

	answers := make(chan error, 16)
	ask := func() {
		under.ExtractStatistics()
		_, err := wgtun.Routes(dev)
		answers <- err
	}
	bind.ask.Store(&ask)
	c.Assert(dev.Down(), qt.IsNil)
	bind.ask.Store(nil)
	c.Assert(dev.Up(), qt.IsNil)
	c.Check(<-answers, qt.ErrorIs, wgtun.ErrBusy)
	c.Check(under.ExtractStatistics(), qt.HasLen, 0)
}
