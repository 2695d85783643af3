// Package slow parses and counts packets in the simplest way. It shares no code with
// package tunstats but the types and Counts.Add, so that tests can compare the two.
package slow

import (
	"encoding/binary"
	"net/netip"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/tunstats"
)

// Parse returns the flow of a packet of size bytes that begins with head, in the direction of
// the packet, and its TCP flags. It consumes the packet header by header, without masks and
// shifts.
func Parse(head []byte, size int) (flowtrack.Tuple, tunstats.TCPFlags) {
	if len(head) < 20 {
		return flowtrack.Tuple{}, 0
	}
	switch head[0] / 16 {
	case 4:
		return parse4(head, size)
	case 6:
		if len(head) >= 40 {
			return parse6(head, size)
		}
	}
	return flowtrack.Tuple{}, 0
}

// StatedLen returns the length of the packet according to its IP header. It reports false if
// there is no IP header, or if the header leaves the length open.
func StatedLen(head []byte) (int, bool) {
	switch {
	case len(head) >= 20 && head[0]/16 == 4:
		n := int(binary.BigEndian.Uint16(head[2:]))
		return n, n != 0
	case len(head) >= 40 && head[0]/16 == 6:
		n := int(binary.BigEndian.Uint16(head[4:]))
		return n + 40, n != 0
	}
	return 0, false
}

func parse4(head []byte, size int) (flowtrack.Tuple, tunstats.TCPFlags) {
	src, _ := netip.AddrFromSlice(head[12:16])
	dst, _ := netip.AddrFromSlice(head[16:20])
	t := flowtrack.Tuple{Src: netip.AddrPortFrom(src, 0), Dst: netip.AddrPortFrom(dst, 0)}
	total, ok := StatedLen(head)
	if !ok && size >= 1<<16 {
		total = size
	}
	header := 4 * int(head[0]%16)
	if total > size || header > total || header < 20 || header > len(head) {
		return t, 0
	}
	offset := int(head[6]%32)*256 + int(head[7])
	return transport(t, head[9], offset > 0, until(head, total)[header:])
}

func parse6(head []byte, size int) (flowtrack.Tuple, tunstats.TCPFlags) {
	src, _ := netip.AddrFromSlice(head[8:24])
	dst, _ := netip.AddrFromSlice(head[24:40])
	t := flowtrack.Tuple{Src: netip.AddrPortFrom(src, 0), Dst: netip.AddrPortFrom(dst, 0)}
	total, ok := StatedLen(head)
	if !ok {
		total = 40
		if size >= 1<<16 {
			total = size
		}
	}
	if total > size {
		return t, 0
	}
	return extensions(t, head[6], until(head, total)[40:], 8, 256)
}

// until returns the first n bytes of b, or b if it is shorter.
func until(b []byte, n int) []byte {
	if n < len(b) {
		return b[:n]
	}
	return b
}

// extensions removes one extension header and calls itself for the rest.
func extensions(t flowtrack.Tuple, next uint8, b []byte, headers, budget int) (flowtrack.Tuple, tunstats.TCPFlags) {
	unit := map[uint8]int{0: 8, 43: 8, 60: 8, 51: 4, 44: 0}
	size, isExt := unit[next]
	if !isExt {
		return transport(t, next, false, b)
	}
	if headers == 0 || len(b) < 8 {
		return t, 0
	}
	size = 8 + size*int(b[1])
	if size > budget || size > len(b) {
		return t, 0
	}
	if next == 44 && int(b[2])*32+int(b[3])/8 > 0 {
		return transport(t, b[0], true, b[size:])
	}
	return extensions(t, b[0], b[size:], headers-1, budget-size)
}

// transport adds the protocol and the ports of the payload b to t. A later fragment has no ports and
// no flags.
func transport(t flowtrack.Tuple, proto uint8, later bool, b []byte) (flowtrack.Tuple, tunstats.TCPFlags) {
	switch flowtrack.Proto(proto) {
	case flowtrack.TCP, flowtrack.UDP, flowtrack.UDPLite, flowtrack.SCTP, flowtrack.DCCP:
		if later {
			break
		}
		if len(b) < 4 {
			return t, 0
		}
		t.Src = netip.AddrPortFrom(t.Src.Addr(), binary.BigEndian.Uint16(b))
		t.Dst = netip.AddrPortFrom(t.Dst.Addr(), binary.BigEndian.Uint16(b[2:]))
	}
	t.Proto = flowtrack.Proto(proto)
	if t.Proto == flowtrack.TCP && !later && len(b) >= 14 {
		return t, flags(b[13])
	}
	return t, 0
}

// flags goes through the control bits of a TCP header from the lowest.
func flags(b byte) (f tunstats.TCPFlags) {
	var on [8]bool
	for i := range on {
		on[i] = b%2 == 1
		b /= 2
	}
	if on[0] {
		f += tunstats.FIN
	}
	if on[1] {
		f += tunstats.SYN
		if on[4] {
			f += tunstats.ACK
		}
	}
	if on[2] {
		f += tunstats.RST
	}
	return f
}
