// Package tunstats counts the packets of a tunnel by flow.
//
// Whoever moves packets tells a [Meter] of each:
//
//	package main
//
//	import (
//		"fmt"
//
//		"github.com/go-netlog/netlog/tunstats"
//	)
//
//	func main() {
//		ping := []byte{0x45, 0, 0, 28, 0, 0, 0, 0, 64, 1, 0, 0, 10, 0, 0, 2, 10, 0, 0, 3, 8, 0, 0, 0, 0, 0, 0, 0}
//
//		var meter tunstats.Meter
//		meter.SetStatisticsEnabled(true)
//		meter.UpdateTx(ping)
//		for flow, counts := range meter.ExtractStatistics() {
//			fmt.Println(flow, counts.TxBytes, "bytes") // ICMPv4 10.0.0.2:0 -> 10.0.0.3:0 28 bytes
//		}
//	}
//
// A wrapper of a tun embeds the Meter, and is then what a flow logger reads. With
// the Read and Write of wireguard-go:
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
