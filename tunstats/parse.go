package tunstats

import (
	"encoding/binary"

	"github.com/go-netlog/netlog/flowtrack"
)

// Extension headers of IPv6, which are not protocols. The authentication header is [flowtrack.AH].
const (
	hopByHop    = 0  // RFC 8200, 4.3
	routing     = 43 // RFC 8200, 4.4
	fragment    = 44 // RFC 8200, 4.5
	destination = 60 // RFC 8200, 4.6
)

const (
	headerLen4 = 20 // bytes of an IPv4 header without options
	headerLen6 = 40 // bytes of the fixed IPv6 header
	portsLen   = 4  // bytes of source and destination port
	flagsAt    = 13 // offset of the control bits in a TCP header (RFC 9293, 3.1)

	maxPacketLen = 65535 // bytes; a larger packet has 0 in its length field

	// Bounds of the IPv6 extension headers. Real packets have one to three of them. Without
	// a bound, a packet could consist of them.
	maxExtensions     = 8
	maxExtensionBytes = 256
)

// packet describes packets of one flow: usually one packet.
type packet struct {
	key                   // in the direction of the packets
	packets, bytes uint64 // number and sum
	flags          TCPFlags
}

// version returns 4 or 6 if head contains an IP header of that version, without its options, and otherwise 0.
func version(head []byte) int {
	switch {
	case len(head) >= headerLen4 && head[0]>>4 == 4:
		return 4
	case len(head) >= headerLen6 && head[0]>>4 == 6:
		return 6
	}
	return 0
}

// parse4 sets the key and the flags of p, which must be zero, to those of the IPv4 packet (RFC 791, 3.1) that begins
// with head. It reads nothing past the total length in the header.
//
// Unknown parts are zero: the ports of protocols without ports and of all fragments but the first; the protocol and
// ports of a packet that is truncated or inconsistent, or whose ports are not in head; the flags if they are outside
// the total length or head.
func parse4(p *packet, head []byte) {
	_ = head[headerLen4-1]
	p.srcLo = uint64(binary.LittleEndian.Uint32(head[12:16]))
	p.dstLo = uint64(binary.LittleEndian.Uint32(head[16:20]))
	p.meta = version4
	header := uint64(head[0]&0x0f) * 4 // in units of 4 bytes
	total := uint64(binary.BigEndian.Uint16(head[2:4]))
	if total == 0 && p.bytes > maxPacketLen {
		total = p.bytes // segmentation offload: the length does not fit the field
	}
	end := min(total, uint64(len(head)))
	if header < headerLen4 || header > end || total > p.bytes {
		return
	}
	later := binary.BigEndian.Uint16(head[6:8])&0x1fff != 0 // the fragment offset
	transport(p, head[header:end], flowtrack.Proto(head[9]), later)
}

// parse6 is like parse4 for an IPv6 packet (RFC 8200, 3).
func parse6(p *packet, head []byte) {
	_ = head[headerLen6-1]
	p.srcHi, p.srcLo = binary.LittleEndian.Uint64(head[8:16]), binary.LittleEndian.Uint64(head[16:24])
	p.dstHi, p.dstLo = binary.LittleEndian.Uint64(head[24:32]), binary.LittleEndian.Uint64(head[32:40])
	p.meta = version6
	total := headerLen6 + uint64(binary.BigEndian.Uint16(head[4:6]))
	if total == headerLen6 && p.bytes > maxPacketLen {
		total = p.bytes // a jumbogram (RFC 2675, 3) or segmentation offload
	}
	if total > p.bytes {
		return
	}
	payload, proto, later := head[headerLen6:min(total, uint64(len(head)))], flowtrack.Proto(head[6]), false
	if isExtension(proto) {
		var ok bool
		if payload, proto, later, ok = skipExtensions(payload, proto); !ok {
			return
		}
	}
	transport(p, payload, proto, later)
}

// isExtension reports whether next is an extension header to skip. The authentication header is one only in IPv6; in
// IPv4 it is a protocol.
func isExtension(next flowtrack.Proto) bool {
	const set = 1<<hopByHop | 1<<routing | 1<<fragment | 1<<flowtrack.AH | 1<<destination
	return uint64(set)>>next&1 != 0
}

// skipExtensions skips the IPv6 extension headers at the beginning of b (RFC 8200, section 4.1). The
// first of them has type next. It returns the payload after them and its protocol. A fragment
// other than the first has no further headers: later is then true, and proto is the type of the
// header that follows in the first fragment, as in IPFIX.
func skipExtensions(b []byte, next flowtrack.Proto) (payload []byte, proto flowtrack.Proto, later, ok bool) {
	shortest := len(b) - maxExtensionBytes
	for n := 0; isExtension(next); n++ {
		if n == maxExtensions || len(b) < 8 {
			return nil, 0, false, false
		}
		length := 8 + int(b[1])*8 // RFC 8200, 4.2: in units of 8 bytes, without the first
		switch next {
		case fragment:
			length = 8
			later = binary.BigEndian.Uint16(b[2:4])&0xfff8 != 0 // the fragment offset
		case flowtrack.AH:
			length = 8 + int(b[1])*4 // RFC 4302, 2.2: in units of 4 bytes, without the first two
		}
		if length > len(b) || len(b)-length < shortest {
			return nil, 0, false, false
		}
		next, b = flowtrack.Proto(b[0]), b[length:]
		if later {
			break
		}
	}
	return b, next, later, true
}

// hasPorts reports whether packets of proto begin with source and destination port.
func hasPorts(proto flowtrack.Proto) bool {
	const set = 1<<flowtrack.TCP | 1<<flowtrack.UDP | 1<<flowtrack.DCCP
	return uint64(set)>>proto&1 != 0 || proto == flowtrack.SCTP || proto == flowtrack.UDPLite
}

// transport adds the protocol, the ports and the flags in the payload of an IP packet to p. Only the first fragment has
// ports and flags (RFC 791, 3.2; RFC 8200, 4.5). If the payload ends inside the ports, the packet is truncated, and
// protocol and ports are unknown.
func transport(p *packet, payload []byte, proto flowtrack.Proto, later bool) {
	if later || !hasPorts(proto) {
		p.meta |= uint64(proto) << protoShift
		return
	}
	if len(payload) < portsLen {
		return
	}
	p.meta |= uint64(proto)<<protoShift | uint64(binary.LittleEndian.Uint32(payload))
	if proto == flowtrack.TCP && len(payload) > flagsAt {
		p.flags = TCPFlags(payload[flagsAt]).counted()
	}
}
