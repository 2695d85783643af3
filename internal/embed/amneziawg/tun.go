// Package amneziawg counts the tun of amneziawg-go, a fork of wireguard-go with tun types of its own. main.diff is the
// change of the program.
package amneziawg

import (
	"github.com/amnezia-vpn/amneziawg-go/tun"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/tunstats"
)

// Device is a tun.Device of the fork, and a netlog.Device.
type Device interface {
	tun.Device
	netlog.Device
}

// Wrap returns a Device that counts the packets of inner.
func Wrap(inner tun.Device) Device { return &countedTun{Device: inner} }

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
