// Package tunstats counts the packets of a tunnel by flow.
//
// A program that moves packets passes each of them to a [Meter]:
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
// A tun wrapper can embed the Meter. With the Read and Write methods of wireguard-go:
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
// If only the beginning of a packet is available, or a buffer holds several segments that were merged,
// use [Meter.UpdateTxN] and [Meter.UpdateRxN].
//
// TCP flows have flags (see [Counts]), which say who opened a connection and how it ended.
//
// # Guarantees
//
// Any bytes are accepted: a packet that cannot be decoded is counted under the zero Tuple.
// Every packet and byte is counted exactly once, by any number of goroutines, and returned by
// exactly one extraction. Counting a packet of a known flow does not allocate and does not wait
// for I/O. MaxFlows bounds the memory: a port scan or spoofed sources make the attribution
// coarser, but the sums stay exact.
package tunstats
