package wgtun

import (
	"golang.zx2c4.com/wireguard/tun"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/tunstats"
)

// innerDevice makes the embedded field unexported, so that nobody replaces or bypasses it by accident. All
// methods are still promoted, including methods that tun.Device may gain later.
type innerDevice = tun.Device

// Device is a [tun.Device] that counts the packets passing through it, and a netlog.Device. It is created by
// [Wrap].
//
// A Device can be used wherever a [tun.Device] can. Counting is off until a Logger turns it on. Until then it
// costs one atomic load per batch.
type Device struct {
	innerDevice
	meter tunstats.Meter
}

// Wrap returns a Device that counts the packets of inner, to pass to device.NewDevice in place of inner. Everything
// else is left to inner: batching, offsets, offload, events, MTU and errors. Close closes inner.
//
// Methods of inner that are not part of tun.Device (ForceMTU and LUID on Windows) are available through
// [Device.Unwrap]. Packets read from or written to File are not counted.
func Wrap(inner tun.Device) *Device {
	return &Device{innerDevice: inner}
}

// Unwrap returns the device given to [Wrap].
func (d *Device) Unwrap() tun.Device { return d.innerDevice }

// Read reads packets that the host sends into the tunnel and counts them as Tx.
func (d *Device) Read(bufs [][]byte, sizes []int, offset int) (int, error) {
	n, err := d.innerDevice.Read(bufs, sizes, offset)
	// Packets may be returned together with an error, such as tun.ErrTooManySegments, and
	// wireguard-go sends them. So they count whatever err is.
	if n > 0 {
		d.meter.UpdateTxBatch(bufs, sizes[:n], offset)
	}
	return n, err
}

// Write counts packets that come out of the tunnel as Rx and writes them to the host. It counts all packets,
// including those that the inner device refuses.
func (d *Device) Write(bufs [][]byte, offset int) (int, error) {
	// Count before the inner Write, because that may merge packets in place (GRO), and
	// returns bytes on one platform and packets on another.
	d.meter.UpdateRxBatch(bufs, offset)
	return d.innerDevice.Write(bufs, offset)
}

// SetStatisticsEnabled turns counting on or off, without resetting the counters. No packet is counted after
// SetStatisticsEnabled(false) has returned.
func (d *Device) SetStatisticsEnabled(enable bool) { d.meter.SetStatisticsEnabled(enable) }

// ExtractStatistics returns the counters since the last call and resets them. The caller owns the map, which is
// nil if nothing was counted.
func (d *Device) ExtractStatistics() map[flowtrack.Tuple]tunstats.Counts {
	return d.meter.ExtractStatistics()
}

// NotifyActivity makes the Device call wake when there is something to extract. A Logger uses it to sleep while the
// tunnel is idle. See [tunstats.Meter.NotifyActivity].
func (d *Device) NotifyActivity(wake func()) { d.meter.NotifyActivity(wake) }

// Stats returns the number of flows, and how many packets were folded or could not be decoded.
func (d *Device) Stats() tunstats.Stats { return d.meter.Stats() }
