package netif

import (
	"encoding/binary"
	"testing"

	qt "github.com/frankban/quicktest"
)

// vnet returns a virtio header.
func vnet(flags, kind byte, size, csumStart uint16) []byte {
	b := make([]byte, vnetLen)
	b[vnetFlags], b[vnetGSOType] = flags, kind
	binary.NativeEndian.PutUint16(b[vnetGSOSize:], size)
	binary.NativeEndian.PutUint16(b[vnetCsumStart:], csumStart)
	return b
}

func TestSegments(t *testing.T) {
	v4 := make([]byte, 128) // with a TCP header of 32 bytes
	v4[0], v4[20+12] = 0x45, 8<<4
	options := make([]byte, 128)
	options[0], options[24+12] = 0x46, 5<<4
	v6 := make([]byte, 128)
	v6[0], v6[40+12] = 0x60, 5<<4
	extended := make([]byte, 128) // with an extension header of 8 bytes
	extended[0], extended[48+12] = 0x60, 5<<4
	for _, test := range []struct {
		name           string
		vnet, head     []byte
		link, length   int
		packets, bytes int
	}{
		{"not merged", vnet(needsCsum, gsoNone, 0, 20), v4, 0, 1500, 1, 1500},
		{"TCP over IPv4", vnet(0, gsoTCPv4, 1000, 0), v4, 0, 52 + 2500, 3, 3*52 + 2500},
		{"full segments only", vnet(0, gsoTCPv4, 1000, 0), v4, 0, 52 + 2000, 2, 2*52 + 2000},
		{"one segment", vnet(0, gsoTCPv4, 1000, 0), v4, 0, 52 + 1, 1, 53},
		{"congestion bit", vnet(0, gsoTCPv4|gsoECN, 1000, 0), v4, 0, 52 + 1001, 2, 2*52 + 1001},
		{"IPv4 options", vnet(0, gsoTCPv4, 1000, 0), options, 0, 44 + 1001, 2, 2*44 + 1001},
		{"TCP over IPv6", vnet(0, gsoTCPv6, 1000, 0), v6, 0, 60 + 1001, 2, 2*60 + 1001},
		{"IPv6 extension, Ethernet", vnet(needsCsum, gsoTCPv6, 1000, 14+48), extended, 14, 68 + 1001, 2, 2*68 + 1001},
		{"UDP", vnet(needsCsum, gsoUDP, 1000, 20), v4, 0, 28 + 1001, 2, 2*28 + 1001},
		{"unknown kind", vnet(0, 3, 1000, 0), v4, 0, 3000, 1, 3000},
		{"size 0", vnet(0, gsoTCPv4, 0, 0), v4, 0, 3000, 1, 3000},
		{"no header captured", vnet(0, gsoTCPv4, 1000, 0), nil, 0, 3000, 1, 3000},
		{"header cut", vnet(0, gsoTCPv4, 1000, 0), v4[:32], 0, 3000, 1, 3000},
		{"checksum before the packet", vnet(needsCsum, gsoTCPv4, 1000, 2), v4, 14, 3000, 1, 3000},
		{"headers only", vnet(0, gsoTCPv4, 1000, 0), v4, 0, 52, 1, 52},
	} {
		packets, more := segments(test.vnet, test.head, test.link, test.length)
		qt.Check(t, [2]int{packets, test.length + more}, qt.Equals, [2]int{test.packets, test.bytes}, qt.Commentf(test.name))
	}
}
