package tunstats_test

import (
	"encoding/binary"
	"net/netip"

	"github.com/go-netlog/netlog/flowtrack"
)

// slowParse is the parser of the package written again in another way, as a
// reader that consumes the packet piece by piece: no masks, no shifts, no words.
func slowParse(pkt []byte) flowtrack.Tuple {
	if len(pkt) < 20 {
		return flowtrack.Tuple{}
	}
	switch pkt[0] / 16 {
	case 4:
		return slowParse4(pkt)
	case 6:
		if len(pkt) >= 40 {
			return slowParse6(pkt)
		}
	}
	return flowtrack.Tuple{}
}

// statedLen returns the length that the header states, and whether it states one.
func statedLen(pkt []byte) (int, bool) {
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

func slowParse4(pkt []byte) flowtrack.Tuple {
	src, _ := netip.AddrFromSlice(pkt[12:16])
	dst, _ := netip.AddrFromSlice(pkt[16:20])
	t := flowtrack.Tuple{Src: netip.AddrPortFrom(src, 0), Dst: netip.AddrPortFrom(dst, 0)}
	total, ok := statedLen(pkt)
	if !ok && len(pkt) >= 1<<16 {
		total = len(pkt)
	}
	header := 4 * int(pkt[0]%16)
	if total > len(pkt) || header > total || header < 20 {
		return t
	}
	offset := int(pkt[6]%32)*256 + int(pkt[7])
	return slowTransport(t, pkt[9], offset > 0, pkt[header:total])
}

func slowParse6(pkt []byte) flowtrack.Tuple {
	src, _ := netip.AddrFromSlice(pkt[8:24])
	dst, _ := netip.AddrFromSlice(pkt[24:40])
	t := flowtrack.Tuple{Src: netip.AddrPortFrom(src, 0), Dst: netip.AddrPortFrom(dst, 0)}
	total, ok := statedLen(pkt)
	if !ok {
		total = 40
		if len(pkt) >= 1<<16 {
			total = len(pkt)
		}
	}
	if total > len(pkt) {
		return t
	}
	return slowExtensions(t, pkt[6], pkt[40:total], 8, 256)
}

// slowExtensions peels one header off and calls itself for the rest.
func slowExtensions(t flowtrack.Tuple, next uint8, b []byte, headers, budget int) flowtrack.Tuple {
	unit := map[uint8]int{0: 8, 43: 8, 60: 8, 51: 4, 44: 0}
	size, isExt := unit[next]
	if !isExt {
		return slowTransport(t, next, false, b)
	}
	if headers == 0 || len(b) < 8 {
		return t
	}
	size = 8 + size*int(b[1])
	if size > budget || size > len(b) {
		return t
	}
	if next == 44 && int(b[2])*32+int(b[3])/8 > 0 {
		return slowTransport(t, b[0], true, b[size:])
	}
	return slowExtensions(t, b[0], b[size:], headers-1, budget-size)
}

func slowTransport(t flowtrack.Tuple, proto uint8, later bool, b []byte) flowtrack.Tuple {
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
