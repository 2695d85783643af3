package main

import (
	"encoding/binary"
	"slices"
	"sync/atomic"

	"golang.zx2c4.com/wireguard/tun"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/tunstats"
)

// filter is a tun.Device that drops the packets out of the tunnel to deniedPort. It counts them in denied, which is the
// Denied of the Logger.
type filter struct {
	tun.Device
	denied  tunstats.Meter
	dropped atomic.Bool // there was a packet
}

// Write passes the allowed packets to the host.
func (f *filter) Write(bufs [][]byte, offset int) (int, error) {
	allowed := slices.DeleteFunc(slices.Clone(bufs), func(b []byte) bool {
		if !denies(b[offset:]) {
			return false
		}
		f.denied.UpdateRx(b[offset:])
		f.dropped.Store(true)
		return true
	})
	if len(allowed) == 0 {
		return len(bufs), nil
	}
	return f.Device.Write(allowed, offset)
}

// denies reports whether pkt is a UDP packet over IPv4, without options, to deniedPort.
func denies(pkt []byte) bool {
	return len(pkt) >= 28 && pkt[0] == 0x45 && flowtrack.Proto(pkt[9]) == flowtrack.UDP && binary.BigEndian.Uint16(pkt[22:]) == deniedPort
}
