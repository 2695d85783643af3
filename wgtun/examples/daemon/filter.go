package main

import (
	"encoding/binary"
	"slices"
	"sync/atomic"

	"golang.zx2c4.com/wireguard/tun"

	"github.com/go-netlog/netlog/tunstats"
)

// filter is a small packet filter: a tun.Device that drops packets out of the tunnel to some TCP and UDP ports. It counts
// them in denied, which is the Denied of the Logger. It sits between the flow logs and the host, so the tunnel counts these
// packets too, as the sender does.
//
// It sees the ports of IPv4 packets and of IPv6 packets without extension headers. A fragment after the first has no
// ports, and passes: the host cannot use it without the first.
type filter struct {
	tun.Device
	ports  atomic.Pointer[[]uint16] // those that are denied
	denied tunstats.Meter
}

func newFilter(inner tun.Device, ports []uint16) *filter {
	f := &filter{Device: inner}
	f.ports.Store(&ports)
	return f
}

// Write passes the allowed packets to the host.
func (f *filter) Write(bufs [][]byte, offset int) (int, error) {
	ports := *f.ports.Load()
	denies := func(b []byte) bool {
		port, ok := destinationPort(b[offset:])
		return ok && slices.Contains(ports, port)
	}
	if !slices.ContainsFunc(bufs, denies) {
		return f.Device.Write(bufs, offset)
	}
	var allowed [][]byte
	for _, b := range bufs {
		if denies(b) {
			f.denied.UpdateRx(b[offset:])
		} else {
			allowed = append(allowed, b)
		}
	}
	if len(allowed) == 0 {
		return len(bufs), nil
	}
	return f.Device.Write(allowed, offset)
}

// destinationPort returns the destination port of a TCP or UDP packet.
func destinationPort(pkt []byte) (port uint16, ok bool) {
	var proto byte
	var payload []byte
	switch {
	case len(pkt) >= 20 && pkt[0]>>4 == 4:
		header := int(pkt[0]&15) * 4
		if fragment := binary.BigEndian.Uint16(pkt[6:]) & 0x1fff; fragment != 0 || header < 20 || header > len(pkt) {
			return 0, false
		}
		proto, payload = pkt[9], pkt[header:]
	case len(pkt) >= 40 && pkt[0]>>4 == 6:
		proto, payload = pkt[6], pkt[40:]
	}
	const tcp, udp = 6, 17
	if proto != tcp && proto != udp || len(payload) < 4 {
		return 0, false
	}
	return binary.BigEndian.Uint16(payload[2:]), true
}
