// Package tunstats counts the packets of a tunnel by flow.
//
// A tun wrapper embeds a [Meter], hands it every packet, and has what a flow
// logger needs:
//
//	type Device struct {
//		tun.Device
//		tunstats.Meter
//	}
//
//	func (d *Device) Read(bufs [][]byte, sizes []int, offset int) (int, error) {
//		n, err := d.Device.Read(bufs, sizes, offset)
//		d.UpdateTxBatch(bufs, sizes[:n], offset)
//		return n, err
//	}
//
//	func (d *Device) Write(bufs [][]byte, offset int) (int, error) {
//		d.UpdateRxBatch(bufs, offset)
//		return d.Device.Write(bufs, offset)
//	}
//
// # Promises
//
// Any bytes may be handed over: a packet that cannot be decoded is counted under
// the zero Tuple, never refused. Every packet and byte is counted exactly once,
// whatever the number of goroutines, and comes out of exactly one extraction.
// Counting a packet of a known flow allocates nothing and waits for no I/O.
// Memory is bounded by MaxFlows: a port scan or spoofed sources make the
// attribution coarser, never the sums wrong.
package tunstats
