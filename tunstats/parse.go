package tunstats

import "encoding/binary"

// Protocol numbers that the parser acts upon, as in the IANA registry. Those
// that carry ports all begin with the source and the destination port.
const (
	protoHopByHop    = 0 // RFC 8200, 4.3
	protoTCP         = 6
	protoUDP         = 17
	protoDCCP        = 33
	protoRouting     = 43 // RFC 8200, 4.4
	protoFragment    = 44 // RFC 8200, 4.5
	protoAH          = 51 // RFC 4302
	protoDestination = 60 // RFC 8200, 4.6
	protoSCTP        = 132
	protoUDPLite     = 136
)

const (
	headerLen4 = 20 // bytes of an IPv4 header without options
	headerLen6 = 40 // bytes of the fixed IPv6 header
	portsLen   = 4  // bytes of the two ports

	maxPacketLen = 65535 // bytes, past which a packet has no length of its own
	fragOffset4  = 0x1fff
	fragOffset6  = 0xfff8

	// Bounds of the walk along IPv6 extension headers. Real chains have one to
	// three; without a bound a packet could make us walk all of it.
	maxExtHeaders = 8
	maxExtBytes   = 256
)

// parse returns the flow of the IP packet that begins at pkt[0], in the
// direction of the packet. It is a pure function and reads nothing past the
// total length that the packet states.
//
// What is not known stays zero: ports of a protocol without them or of a later
// fragment; protocol and ports of a packet that is truncated or contradicts
// itself; the whole key where there is no valid IP header.
func parse(pkt []byte) key {
	if len(pkt) >= headerLen4 {
		switch pkt[0] >> 4 {
		case 4:
			return parse4(pkt)
		case 6:
			if len(pkt) >= headerLen6 {
				return parse6(pkt)
			}
		}
	}
	return key{}
}

// parse4 parses an IPv4 packet (RFC 791, 3.1) of at least headerLen4 bytes.
func parse4(pkt []byte) key {
	_ = pkt[headerLen4-1]
	k := key{
		srcLo: uint64(binary.LittleEndian.Uint32(pkt[12:])),
		dstLo: uint64(binary.LittleEndian.Uint32(pkt[16:])),
		meta:  version4,
	}
	header := int(pkt[0]&0x0f) * 4
	total := int(binary.BigEndian.Uint16(pkt[2:]))
	if total == 0 && len(pkt) > maxPacketLen {
		total = len(pkt) // segmentation offload: the length does not fit its field
	}
	if header < headerLen4 || header > total || total > len(pkt) {
		return k
	}
	later := binary.BigEndian.Uint16(pkt[6:])&fragOffset4 != 0
	k.meta |= transport(pkt[header:total], pkt[9], later)
	return k
}

// parse6 parses an IPv6 packet (RFC 8200, 3) of at least headerLen6 bytes.
func parse6(pkt []byte) key {
	_ = pkt[headerLen6-1]
	k := key{
		srcHi: binary.LittleEndian.Uint64(pkt[8:]),
		srcLo: binary.LittleEndian.Uint64(pkt[16:]),
		dstHi: binary.LittleEndian.Uint64(pkt[24:]),
		dstLo: binary.LittleEndian.Uint64(pkt[32:]),
		meta:  version6,
	}
	total := headerLen6 + int(binary.BigEndian.Uint16(pkt[4:]))
	if total == headerLen6 && len(pkt) > maxPacketLen {
		total = len(pkt) // jumbogram (RFC 2675) or segmentation offload
	}
	if total > len(pkt) {
		return k
	}
	payload, proto, later, ok := skipExtensions(pkt[headerLen6:total], pkt[6])
	if ok {
		k.meta |= transport(payload, proto, later)
	}
	return k
}

// skipExtensions walks the IPv6 extension headers at the beginning of b, the
// first of which is of type next (RFC 8200, 4.1). It returns what follows them
// and its protocol. In a later fragment there is nothing to walk behind the
// fragment header; proto is then what that header says, as IPFIX has it.
func skipExtensions(b []byte, next uint8) (payload []byte, proto uint8, later, ok bool) {
	end := len(b) - maxExtBytes // what is left of b may not become shorter
	for n := 0; ; n++ {
		switch next {
		case protoHopByHop, protoRouting, protoFragment, protoAH, protoDestination:
		default:
			return b, next, false, true
		}
		if n == maxExtHeaders || len(b) < 8 {
			return nil, 0, false, false
		}
		length := 8 + int(b[1])*8 // RFC 8200, 4.2: in units of 8 bytes, without the first
		switch next {
		case protoFragment:
			length = 8
			later = binary.BigEndian.Uint16(b[2:])&fragOffset6 != 0
		case protoAH:
			length = 8 + int(b[1])*4 // RFC 4302, 2.2: in units of 4 bytes, less 2
		}
		if length > len(b) || len(b)-length < end {
			return nil, 0, false, false
		}
		next, b = b[0], b[length:]
		if later {
			return b, next, true, true
		}
	}
}

// transport returns the protocol and ports bits of a key for the payload of an
// IP packet. A payload that ends inside its ports is truncated: neither is known.
func transport(payload []byte, proto uint8, later bool) uint64 {
	meta := uint64(proto) << protoShift
	switch proto {
	case protoTCP, protoUDP, protoSCTP, protoUDPLite, protoDCCP:
		if later {
			return meta // RFC 791, 3.2: the ports are in the first fragment only
		}
		if len(payload) < portsLen {
			return 0
		}
		return meta | uint64(binary.LittleEndian.Uint32(payload))
	}
	return meta
}
