//go:build unix

package main

import (
	"context"
	"encoding/binary"
	"errors"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.zx2c4.com/wireguard/conn"
	"golang.zx2c4.com/wireguard/device"
	"golang.zx2c4.com/wireguard/tun"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/wgtun"
	"github.com/go-netlog/netlog/wgtun/internal/wgconf"
)

// inFlight bounds the packets between the two ends, as TCP would. Without a bound most packets would be lost, and a
// varying number in each run.
const inFlight = 2048

// memTun is a tun.Device in memory. Read returns packets as fast as possible, if there are templates, and Write
// discards them.
type memTun struct {
	templates [][]byte // one a flow
	sent      uint64   // owned by the reader
	packets   atomic.Uint64
	peer      *memTun       // the other end
	arrived   chan struct{} // receives a token when packets arrive
	events    chan tun.Event
	closed    chan struct{}
	once      sync.Once
}

func newMemTun(templates [][]byte, peer *memTun) *memTun {
	return &memTun{
		templates: templates, peer: peer, arrived: make(chan struct{}, 1),
		events: make(chan tun.Event), closed: make(chan struct{}),
	}
}

func (m *memTun) Read(bufs [][]byte, sizes []int, offset int) (int, error) {
	if len(m.templates) == 0 {
		<-m.closed
		return 0, os.ErrClosed
	}
	for m.sent-m.peer.packets.Load() > inFlight-uint64(len(bufs)) {
		select {
		case <-m.closed:
			return 0, os.ErrClosed
		case <-m.peer.arrived:
		case <-time.After(50 * time.Millisecond): // the rest is lost
			m.sent = m.peer.packets.Load()
		}
	}
	for i := range bufs {
		sizes[i] = copy(bufs[i][offset:], m.templates[m.sent%uint64(len(m.templates))])
		m.sent++
	}
	return len(bufs), nil
}

func (m *memTun) Write(bufs [][]byte, offset int) (int, error) {
	m.packets.Add(uint64(len(bufs)))
	select {
	case m.arrived <- struct{}{}:
	default:
	}
	return len(bufs), nil
}

func (m *memTun) Close() error {
	m.once.Do(func() {
		close(m.closed)
		close(m.events)
	})
	return nil
}

func (m *memTun) File() *os.File           { return nil }
func (m *memTun) MTU() (int, error)        { return device.DefaultMTU, nil }
func (m *memTun) Name() (string, error)    { return "memory", nil }
func (m *memTun) Events() <-chan tun.Event { return m.events }
func (m *memTun) BatchSize() int           { return conn.IdealBatchSize }

// tunnel is a pair of devices. Packets go from the first to the second.
type tunnel struct {
	from, to *memTun
	devices  []*device.Device
	loggers  []*netlog.Logger
}

var (
	fromAddr = netip.MustParsePrefix("10.0.0.1/32")
	toAddr   = netip.MustParsePrefix("10.0.0.2/32")
)

// newTunnel starts a tunnel, with flow logs on both ends if counted.
func newTunnel(counted bool, flows, size int) (*tunnel, error) {
	fromKey, err := wgconf.NewKey()
	if err != nil {
		return nil, err
	}
	toKey, err := wgconf.NewKey()
	if err != nil {
		return nil, err
	}
	t := &tunnel{to: newMemTun(nil, nil)}
	t.from = newMemTun(packets(flows, size), t.to)
	to, err := t.start(t.to, counted, toKey, toAddr, wgconf.Peer{Public: fromKey.Public, AllowedIP: []netip.Prefix{fromAddr}})
	if err != nil {
		t.close()
		return nil, err
	}
	config, err := to.IpcGet()
	if err != nil {
		t.close()
		return nil, err
	}
	endpoint := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), wgconf.ListenPort(config))
	_, err = t.start(t.from, counted, fromKey, fromAddr, wgconf.Peer{Public: toKey.Public, Endpoint: endpoint, AllowedIP: []netip.Prefix{toAddr}})
	if err != nil {
		t.close()
		return nil, err
	}
	return t, nil
}

// start starts a device. Its Logger has a fifth of the default poll period, and does everything but send the records.
func (t *tunnel) start(inner tun.Device, counted bool, key wgconf.Key, addr netip.Prefix, peer wgconf.Peer) (*device.Device, error) {
	wrapped := wgtun.Wrap(inner)
	if counted {
		inner = wrapped
	}
	dev := device.NewDevice(inner, conn.NewDefaultBind(), device.NewLogger(device.LogLevelSilent, ""))
	t.devices = append(t.devices, dev)
	if err := dev.IpcSet(wgconf.Device(key.Private, 0, peer)); err != nil {
		return nil, err
	}
	if counted {
		l := &netlog.Logger{
			NoUpload:   true,
			OnRecord:   func(*netlog.Message) {},
			PollPeriod: time.Second,
			Underlay:   wgtun.Underlay(dev),
		}
		cfg := &netlog.RouteConfig{LocalAddrs: []netip.Prefix{addr}, Routes: peer.AllowedIP}
		if err := l.Startup(logtail.PrivateID{}, logtail.PrivateID{}, wrapped, cfg); err != nil {
			return nil, err
		}
		t.loggers = append(t.loggers, l)
	}
	return dev, dev.Up()
}

func (t *tunnel) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	for _, l := range t.loggers {
		l.Shutdown(ctx)
	}
	for _, dev := range t.devices {
		dev.Close()
	}
}

// warmUp waits until packets flow, so that the handshake is done and the pools are filled.
func (t *tunnel) warmUp() error {
	for range 500 {
		time.Sleep(10 * time.Millisecond)
		if t.to.packets.Load() > 20_000 {
			return nil
		}
	}
	return errors.New("the tunnel does not come up")
}

// packets returns one UDP packet a flow.
func packets(flows, size int) [][]byte {
	all := make([][]byte, flows)
	for i := range all {
		p := make([]byte, max(size, 28))
		p[0], p[8], p[9] = 0x45, 64, 17
		binary.BigEndian.PutUint16(p[2:], uint16(len(p)))
		copy(p[12:], fromAddr.Addr().AsSlice())
		copy(p[16:], toAddr.Addr().AsSlice())
		binary.BigEndian.PutUint16(p[20:], uint16(10_000+i))
		binary.BigEndian.PutUint16(p[22:], 443)
		all[i] = p
	}
	return all
}
