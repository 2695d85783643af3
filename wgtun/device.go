package wgtun

import (
	"golang.zx2c4.com/wireguard/tun"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/tunstats"
)

// innerDevice makes the embedded field unexported, so that nothing replaces or
// bypasses it by accident, while every method is still promoted, those that
// tun.Device may gain later included.
type innerDevice = tun.Device

// Device is a [tun.Device] that counts the packets passing through it, and a
// netlog.Device that hands the counters over. [Wrap] makes one.
//
// It may be used wherever the inner device may. Counting is off until a Logger
// turns it on, and costs one atomic load per batch until then.
type Device struct {
	innerDevice
	meter tunstats.Meter
}

// Wrap returns a Device that counts the packets of inner and leaves all else to
// it: batching, offsets, offload, events, MTU and errors are those of inner.
//
// What wireguard-go does with a tun.Device besides calling its methods it does by
// type (ForceMTU and LUID on Windows): a caller who needs that asks [Device.Unwrap].
// Packets read from or written to File are not counted.
func Wrap(inner tun.Device) *Device {
	return &Device{innerDevice: inner}
}

// Unwrap returns the device given to [Wrap].
func (d *Device) Unwrap() tun.Device { return d.innerDevice }

// Read reads packets that the host sends into the tunnel and counts them as Tx.
func (d *Device) Read(bufs [][]byte, sizes []int, offset int) (int, error) {
	n, err := d.innerDevice.Read(bufs, sizes, offset)
	// Packets may come together with an error, tun.ErrTooManySegments for one, and
	// wireguard-go sends them on. So they count whatever err is.
	if n > 0 {
		d.meter.UpdateTxBatch(bufs, sizes[:n], offset)
	}
	return n, err
}

// Write counts packets that come out of the tunnel as Rx and hands them to the host.
// All of them count, also those that the inner device then refuses.
func (d *Device) Write(bufs [][]byte, offset int) (int, error) {
	// Before the inner Write, for two reasons: it may merge packets in place (GRO),
	// and what it returns is bytes on one platform and packets on another.
	d.meter.UpdateRxBatch(bufs, offset)
	return d.innerDevice.Write(bufs, offset)
}

// SetStatisticsEnabled turns counting on or off. It does not reset the counters.
// Once SetStatisticsEnabled(false) has returned, no packet is added any more.
func (d *Device) SetStatisticsEnabled(enable bool) { d.meter.SetStatisticsEnabled(enable) }

// ExtractStatistics returns what was counted since the last call and starts again
// from zero. The caller owns the map; nil means that nothing was counted.
func (d *Device) ExtractStatistics() map[flowtrack.Tuple]tunstats.Counts {
	return d.meter.ExtractStatistics()
}

// Stats tells how many flows there are now, and what had to be folded or could not
// be decoded so far.
func (d *Device) Stats() tunstats.Stats { return d.meter.Stats() }
