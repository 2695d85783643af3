package wgtun_test

import (
	"errors"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/tunstats"
	"github.com/go-netlog/netlog/wgtun/internal/fork/tun"
)

// countedTun counts the packets of a fork's tun. It is a tun.Device of the fork, and a netlog.Device.
type countedTun struct {
	tun.Device
	tunstats.Meter
}

// Read counts what it returns, even with an error, because the device sends it.
func (d *countedTun) Read(bufs [][]byte, sizes []int, offset int) (int, error) {
	n, err := d.Device.Read(bufs, sizes, offset)
	if n > 0 {
		d.UpdateTxBatch(bufs, sizes[:n], offset)
	}
	return n, err
}

// Write counts before the inner Write, which may change the packets.
func (d *countedTun) Write(bufs [][]byte, offset int) (int, error) {
	d.UpdateRxBatch(bufs, offset)
	return d.Device.Write(bufs, offset)
}

var (
	_ tun.Device    = (*countedTun)(nil)
	_ netlog.Device = (*countedTun)(nil)
)

// forkTun is the tun of a fork. Its other methods are not called.
type forkTun struct {
	tun.Device
	inner *fakeTun
}

func (f forkTun) Read(bufs [][]byte, sizes []int, offset int) (int, error) {
	return f.inner.Read(bufs, sizes, offset)
}

func (f forkTun) Write(bufs [][]byte, offset int) (int, error) {
	defer func() {
		for i := range bufs {
			clear(bufs[i]) // as offload may do
		}
	}()
	return f.inner.Write(bufs, offset)
}

// TestForkTun checks the wrapper of docs/embedding.md for forks of wireguard-go with tun types of their own.
func TestForkTun(t *testing.T) {
	c := qt.New(t)
	out, in := udp4("10.0.0.1:1000", "10.0.0.2:2000", 100), udp4("10.0.0.2:2000", "10.0.0.1:1000", 60)
	inner := &fakeTun{packets: [][]byte{out, out}}
	d := &countedTun{Device: forkTun{inner: inner}}
	d.SetStatisticsEnabled(true)
	bufs, sizes := batchOf(128)
	n, err := d.Read(bufs, sizes, 16)
	c.Check(n, qt.Equals, 2)
	c.Check(err, qt.IsNil)
	n, err = d.Write(at(16, in, in, in), 16)
	c.Check(n, qt.Equals, 3)
	c.Check(err, qt.IsNil)

	inner.packets, inner.err = [][]byte{out}, errors.New("too many segments")
	n, err = d.Read(bufs, sizes, 16)
	c.Check(n, qt.Equals, 1)
	c.Check(err, qt.Equals, inner.err)
	inner.packets = nil
	n, err = d.Read(bufs, sizes, 16)
	c.Check(n, qt.Equals, 0)
	c.Check(err, qt.Equals, inner.err)
	c.Check(flows(d.ExtractStatistics()), qt.DeepEquals, map[string]string{flow: "tx 3/300 rx 3/180"})
}
