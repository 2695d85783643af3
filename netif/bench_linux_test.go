package netif

import (
	"encoding/binary"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-netlog/netlog/tunstats"
)

// BenchmarkDrain counts packets of 64 bytes in a thousand flows from a ring that the kernel has filled.
func BenchmarkDrain(b *testing.B) {
	const blocks = 16
	r := &ring{mem: make([]byte, blocks*blockBytes)}
	packets := 0
	for at := 0; at < len(r.mem); at += blockBytes {
		packets = fill(r.mem[at : at+blockBytes])
	}
	t := &tap{meter: new(tunstats.Meter)}
	t.meter.SetStatisticsEnabled(true)
	for n := 0; b.Loop(); n++ {
		binary.NativeEndian.PutUint32(r.mem[r.at+blockStatus:], unix.TP_STATUS_USER)
		r.drain(t.count)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*packets), "ns/packet")
}

// fill fills a block as the kernel does, and returns the number of packets.
func fill(block []byte) (packets int) {
	const first, mac, net = 48, 98, 112
	at := first
	for ; at+net+64 <= len(block); packets++ {
		f := block[at:]
		pkt := udp4(uint16(packets%1000), 9, 36)
		next := (net + len(pkt) + 7) &^ 7
		binary.NativeEndian.PutUint32(f, uint32(next))
		binary.NativeEndian.PutUint32(f[frameSnaplen:], uint32(14+len(pkt)))
		binary.NativeEndian.PutUint32(f[frameLen:], uint32(14+len(pkt)))
		binary.NativeEndian.PutUint16(f[frameMac:], mac)
		binary.NativeEndian.PutUint16(f[frameNet:], net)
		copy(f[net:], pkt)
		at += next
	}
	binary.NativeEndian.PutUint32(block[blockPackets:], uint32(packets))
	binary.NativeEndian.PutUint32(block[blockFirst:], first)
	return packets
}
