package netif

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// frame is a captured packet in the ring, as the kernel lays it out:
//
//	0    struct tpacket3_hdr: next_offset, sec, nsec, snaplen, len, status (uint32 each), mac, net (uint16 each), ...
//	48   struct sockaddr_ll: ..., packet type at 10
//	mac - 10   struct virtio_net_hdr
//	mac  link header, if the interface has one
//	net  IP header
type frame []byte

// Offsets and sizes in a frame.
const (
	frameSnaplen = 12
	frameLen     = 16
	frameMac     = 24
	frameNet     = 26
	framePktType = unix.SizeofTpacket3Hdr + 10
	vnetLen      = 10
)

// Members of struct virtio_net_hdr, in the byte order of the machine.
const (
	vnetFlags     = 0 // uint8
	vnetGSOType   = 1 // uint8
	vnetGSOSize   = 4 // uint16: bytes of payload in each segment but the last
	vnetCsumStart = 6 // uint16: offset of the transport header from mac

	needsCsum = 1 // in vnetFlags: vnetCsumStart is valid
	gsoNone   = 0
	gsoTCPv4  = 1
	gsoTCPv6  = 4
	gsoUDP    = 5    // segments are datagrams; type 3 has fragments
	gsoECN    = 0x80 // a flag beside gsoTCPv4 and gsoTCPv6
)

// next returns the offset of the next frame in the block.
func (f frame) next() uint32 { return binary.NativeEndian.Uint32(f) }

// outgoing reports whether the host sent the packet.
func (f frame) outgoing() bool { return f[framePktType] == unix.PACKET_OUTGOING }

// packet returns the beginning of the packet from the IP header on, the number of packets that
// were merged into it, or 1, and their bytes in total.
func (f frame) packet() (head []byte, packets, bytes int) {
	mac, net := int(binary.NativeEndian.Uint16(f[frameMac:])), int(binary.NativeEndian.Uint16(f[frameNet:]))
	snap, length := int(binary.NativeEndian.Uint32(f[frameSnaplen:])), int(binary.NativeEndian.Uint32(f[frameLen:]))
	if net > mac+snap {
		return nil, 1, length // shorter than its link header
	}
	head, bytes = f[net:mac+snap], length-(net-mac)
	packets, more := segments(f[mac-vnetLen:mac], head, net-mac, bytes)
	return head, packets, bytes + more
}

// segments returns the number of segments of a packet of the given length, and the bytes of the
// headers that all but the first repeat. vnet is its virtio header, and link the length of the
// link header before head.
func segments(vnet, head []byte, link, length int) (packets, more int) {
	size := int(binary.NativeEndian.Uint16(vnet[vnetGSOSize:]))
	kind := vnet[vnetGSOType] &^ gsoECN
	if kind == gsoNone || size == 0 || len(head) == 0 {
		return 1, 0
	}
	headers := 40 // IPv6
	if head[0]>>4 == 4 {
		headers = int(head[0]&0x0f) * 4
	}
	if vnet[vnetFlags]&needsCsum != 0 {
		headers = int(binary.NativeEndian.Uint16(vnet[vnetCsumStart:])) - link
	}
	switch tcp := headers + 12; { // the offset of the data offset
	case kind == gsoUDP:
		headers += 8
	case (kind == gsoTCPv4 || kind == gsoTCPv6) && headers >= 20 && tcp < len(head):
		headers += int(head[tcp]>>4) * 4
	default:
		return 1, 0
	}
	if headers >= length {
		return 1, 0
	}
	packets = (length - headers + size - 1) / size
	return packets, (packets - 1) * headers
}
