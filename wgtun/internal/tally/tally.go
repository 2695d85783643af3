// Package tally counts the packets of a tun.Device in the simplest way, below wgtun, so that the demo and the tests can
// check records against independent numbers.
package tally

import (
	"sync/atomic"

	"golang.zx2c4.com/wireguard/tun"

	"github.com/go-netlog/netlog/tunstats"
)

// Tun is a tun.Device that counts all packets. It is as safe for concurrent use as the inner Device.
type Tun struct {
	tun.Device
	txPackets, txBytes, rxPackets, rxBytes atomic.Uint64
}

// Read counts packets that the host sends into the tunnel.
func (t *Tun) Read(bufs [][]byte, sizes []int, offset int) (int, error) {
	n, err := t.Device.Read(bufs, sizes, offset)
	for _, size := range sizes[:n] {
		t.txPackets.Add(1)
		t.txBytes.Add(uint64(size))
	}
	return n, err
}

// Write counts packets that come out of the tunnel.
func (t *Tun) Write(bufs [][]byte, offset int) (int, error) {
	for _, buf := range bufs {
		t.rxPackets.Add(1)
		t.rxBytes.Add(uint64(len(buf) - offset))
	}
	return t.Device.Write(bufs, offset)
}

// Counts returns the counts so far.
func (t *Tun) Counts() tunstats.Counts {
	return tunstats.Counts{
		TxPackets: t.txPackets.Load(), TxBytes: t.txBytes.Load(),
		RxPackets: t.rxPackets.Load(), RxBytes: t.rxBytes.Load(),
	}
}
