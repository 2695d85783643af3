package tunstats

import "encoding/binary"

// Protocol numbers that the parser acts upon, as in the IANA registry.
const (
	protoHopByHop    = 0 // RFC 8200, 4.3
	protoTCP         = 6
	protoUDP         = 17
	protoDCCP        = 33
	protoRouting     = 43 // RFC 8200, 4.4
	protoFragment    = 44 // RFC 8200, 4.5
	protoAH          = 51 // RFC 4302, 2
	protoDestination = 60 // RFC 8200, 4.6
	protoSCTP        = 132
	protoUDPLite     = 136
)

const (
	headerLen4 = 20 // bytes of an IPv4 header without options
	headerLen6 = 40 // bytes of the fixed IPv6 header
	portsLen   = 4  // bytes of source and destination port

	maxPacketLen = 65535 // bytes; a larger packet states the length 0

	// Bounds of the walk along IPv6 extension headers. Real chains have one to
	// three; without a bound a packet could make us walk all of it.
	maxExtensions     = 8
	maxExtensionBytes = 256
)

// parse sets k to the flow of the IP packet that begins at pkt[0], in the
// direction of the packet. What k was before has no influence, and nothing past
// the total length that the packet states is read.
//
// What is not known is zero: the ports of a protocol without them or of a later
// fragment; protocol and ports of a packet that is truncated or contradicts
// itself; the whole key where there is no valid IP header.
func parse(k *key, pkt []byte) {
	switch {
	case len(pkt) >= headerLen4 && pkt[0]>>4 == 4:
		parse4(k, pkt)
	case len(pkt) >= headerLen6 && pkt[0]>>4 == 6:
		parse6(k, pkt)
	default:
		*k = key{}
	}
}

// parse4 parses an IPv4 packet (RFC 791, 3.1).
func parse4(k *key, pkt []byte) {
	_ = pkt[headerLen4-1]
	k.srcHi, k.srcLo = 0, uint64(binary.LittleEndian.Uint32(pkt[12:16]))
	k.dstHi, k.dstLo = 0, uint64(binary.LittleEndian.Uint32(pkt[16:20]))
	k.meta = version4
	header := uint(pkt[0]&0x0f) * 4 // in units of 4 bytes
	total := uint(binary.BigEndian.Uint16(pkt[2:4]))
	if total == 0 && len(pkt) > maxPacketLen {
		total = uint(len(pkt)) // segmentation offload: the length does not fit its field
	}
	if header < headerLen4 || header > total || total > uint(len(pkt)) {
		return
	}
	later := binary.BigEndian.Uint16(pkt[6:8])&0x1fff != 0 // the fragment offset
	k.meta |= transport(pkt[header:total], pkt[9], later)
}

// parse6 parses an IPv6 packet (RFC 8200, 3).
func parse6(k *key, pkt []byte) {
	_ = pkt[headerLen6-1]
	k.srcHi, k.srcLo = binary.LittleEndian.Uint64(pkt[8:16]), binary.LittleEndian.Uint64(pkt[16:24])
	k.dstHi, k.dstLo = binary.LittleEndian.Uint64(pkt[24:32]), binary.LittleEndian.Uint64(pkt[32:40])
	k.meta = version6
	total := headerLen6 + uint(binary.BigEndian.Uint16(pkt[4:6]))
	if total == headerLen6 && len(pkt) > maxPacketLen {
		total = uint(len(pkt)) // a jumbogram (RFC 2675, 3) or segmentation offload
	}
	if total > uint(len(pkt)) {
		return
	}
	payload, proto := pkt[headerLen6:total], pkt[6]
	if !isExtension(proto) {
		k.meta |= transport(payload, proto, false)
		return
	}
	if payload, proto, later, ok := skipExtensions(payload, proto); ok {
		k.meta |= transport(payload, proto, later)
	}
}

// isExtension reports whether next is an extension header that the walk passes.
// The authentication header is one in IPv6 only; in IPv4 it is a protocol.
func isExtension(next uint8) bool {
	const set = 1<<protoHopByHop | 1<<protoRouting | 1<<protoFragment | 1<<protoAH | 1<<protoDestination
	return uint64(set)>>next&1 != 0
}

// skipExtensions walks the IPv6 extension headers at the beginning of b, the
// first of which is of type next (RFC 8200, 4.1). It returns what follows them
// and its protocol. Behind the fragment header of a later fragment there is
// nothing to walk; proto is then the type of the first header that was cut, which
// is what IPFIX reports.
func skipExtensions(b []byte, next uint8) (payload []byte, proto uint8, later, ok bool) {
	shortest := len(b) - maxExtensionBytes
	for n := 0; isExtension(next); n++ {
		if n == maxExtensions || len(b) < 8 {
			return nil, 0, false, false
		}
		length := 8 + int(b[1])*8 // RFC 8200, 4.2: in units of 8 bytes, without the first
		switch next {
		case protoFragment:
			length = 8
			later = binary.BigEndian.Uint16(b[2:4])&0xfff8 != 0 // the fragment offset
		case protoAH:
			length = 8 + int(b[1])*4 // RFC 4302, 2.2: in units of 4 bytes, without the first two
		}
		if length > len(b) || len(b)-length < shortest {
			return nil, 0, false, false
		}
		next, b = b[0], b[length:]
		if later {
			break
		}
	}
	return b, next, later, true
}

// hasPorts reports whether packets of proto begin with source and destination port.
func hasPorts(proto uint8) bool {
	const set = 1<<protoTCP | 1<<protoUDP | 1<<protoDCCP
	return uint64(set)>>proto&1 != 0 || proto == protoSCTP || proto == protoUDPLite
}

// transport returns the protocol and ports of a key for what follows the IP
// header. Only the first fragment has the ports (RFC 791, 3.2; RFC 8200, 4.5).
// Where the payload ends inside the ports, it is truncated and neither is known.
func transport(payload []byte, proto uint8, later bool) uint64 {
	meta := uint64(proto) << protoShift
	if later || !hasPorts(proto) {
		return meta
	}
	if len(payload) < portsLen {
		return 0
	}
	return meta | uint64(binary.LittleEndian.Uint32(payload))
}
