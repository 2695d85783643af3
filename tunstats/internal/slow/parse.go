// Package slow parses and counts packets in the simplest way. It shares no code with
// package tunstats but the types and Counts.Add, so that tests can compare the two.
package slow

import (
	"encoding/binary"
	"net/netip"

	"github.com/go-netlog/netlog/flowtrack"
)

// Parse returns the flow of pkt in the direction of the packet. It consumes the packet header
// by header, without masks and shifts.
func Parse(pkt []byte) flowtrack.Tuple {
	if len(pkt) < 20 {
		return flowtrack.Tuple{}
	}
	switch pkt[0] / 16 {
	case 4:
		return parse4(pkt)
	case 6:
		if len(pkt) >= 40 {
			return parse6(pkt)
		}
	}
	return flowtrack.Tuple{}
}

// StatedLen returns the length of the packet according to its IP header. It reports false if
// there is no IP header, or if the header leaves the length open.
func StatedLen(pkt []byte) (int, bool) {
	switch {
	case len(pkt) >= 20 && pkt[0]/16 == 4:
		n := int(binary.BigEndian.Uint16(pkt[2:]))
		return n, n != 0
	case len(pkt) >= 40 && pkt[0]/16 == 6:
		n := int(binary.BigEndian.Uint16(pkt[4:]))
		return n + 40, n != 0
	}
	return 0, false
}

func parse4(pkt []byte) flowtrack.Tuple {
	src, _ := netip.AddrFromSlice(pkt[12:16])
	dst, _ := netip.AddrFromSlice(pkt[16:20])
	t := flowtrack.Tuple{Src: netip.AddrPortFrom(src, 0), Dst: netip.AddrPortFrom(dst, 0)}
	total, ok := StatedLen(pkt)
	if !ok && len(pkt) >= 1<<16 {
		total = len(pkt)
	}
	header := 4 * int(pkt[0]%16)
	if total > len(pkt) || header > total || header < 20 {
		return t
	}
	offset := int(pkt[6]%32)*256 + int(pkt[7])
	return transport(t, pkt[9], offset > 0, pkt[header:total])
}

func parse6(pkt []byte) flowtrack.Tuple {
	src, _ := netip.AddrFromSlice(pkt[8:24])
	dst, _ := netip.AddrFromSlice(pkt[24:40])
	t := flowtrack.Tuple{Src: netip.AddrPortFrom(src, 0), Dst: netip.AddrPortFrom(dst, 0)}
	total, ok := StatedLen(pkt)
	if !ok {
		total = 40
		if len(pkt) >= 1<<16 {
			total = len(pkt)
		}
	}
	if total > len(pkt) {
		return t
	}
	return extensions(t, pkt[6], pkt[40:total], 8, 256)
}

// extensions removes one extension header and calls itself for the rest.
func extensions(t flowtrack.Tuple, next uint8, b []byte, headers, budget int) flowtrack.Tuple {
	unit := map[uint8]int{0: 8, 43: 8, 60: 8, 51: 4, 44: 0}
	size, isExt := unit[next]
	if !isExt {
		return transport(t, next, false, b)
	}
	if headers == 0 || len(b) < 8 {
		return t
	}
	size = 8 + size*int(b[1])
	if size > budget || size > len(b) {
		return t
	}
	if next == 44 && int(b[2])*32+int(b[3])/8 > 0 {
		return transport(t, b[0], true, b[size:])
	}
	return extensions(t, b[0], b[size:], headers-1, budget-size)
}

// transport adds the protocol and the ports of the payload b to t. A later fragment has no ports.
func transport(t flowtrack.Tuple, proto uint8, later bool, b []byte) flowtrack.Tuple {
	switch flowtrack.Proto(proto) {
	case flowtrack.TCP, flowtrack.UDP, flowtrack.UDPLite, flowtrack.SCTP, flowtrack.DCCP:
		if later {
			break
		}
		if len(b) < 4 {
			return t
		}
		t.Src = netip.AddrPortFrom(t.Src.Addr(), binary.BigEndian.Uint16(b))
		t.Dst = netip.AddrPortFrom(t.Dst.Addr(), binary.BigEndian.Uint16(b[2:]))
	}
	t.Proto = flowtrack.Proto(proto)
	return t
}
