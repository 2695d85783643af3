package tunstats_test

import (
	"bytes"
	"encoding/binary"
	"net/netip"

	"github.com/go-netlog/netlog/flowtrack"
)

var (
	a4 = netip.MustParseAddr("192.0.2.1")
	b4 = netip.MustParseAddr("198.51.100.7")
	a6 = netip.MustParseAddr("2001:db8::1")
	b6 = netip.MustParseAddr("2001:db8:ffff::7")
)

// packetOf returns an IP packet without options or extension headers, and applies edits to it.
func packetOf(src, dst netip.Addr, proto uint8, payload []byte, edits ...func(pkt []byte)) []byte {
	var p []byte
	if src.Is4() {
		p = []byte{0x45, 0, 0, 0, 0, 0, 0, 0, 64, proto, 0, 0}
		binary.BigEndian.PutUint16(p[2:], uint16(20+len(payload)))
	} else {
		p = []byte{0x60, 0, 0, 0, 0, 0, proto, 64}
		binary.BigEndian.PutUint16(p[4:], uint16(len(payload)))
	}
	p = append(p, src.AsSlice()...)
	p = append(p, dst.AsSlice()...)
	p = append(p, payload...)
	for _, edit := range edits {
		edit(p)
	}
	return p
}

func v4(proto uint8, payload []byte, edits ...func(pkt []byte)) []byte {
	return packetOf(a4, b4, proto, payload, edits...)
}

func v6(next uint8, payload []byte, edits ...func(pkt []byte)) []byte {
	return packetOf(a6, b6, next, payload, edits...)
}

// tcp returns a TCP packet without data.
func tcp(src, dst netip.Addr, sport, dport uint16) []byte {
	h := make([]byte, 20)
	binary.BigEndian.PutUint16(h, sport)
	binary.BigEndian.PutUint16(h[2:], dport)
	h[12] = 5 << 4
	return packetOf(src, dst, 6, h)
}

// flagged sets the control bits of a packet from tcp.
func flagged(pkt []byte, bits byte) []byte {
	pkt[len(pkt)-7] = bits
	return pkt
}

// ports returns the beginning of a transport header from port 1000 to port 2000.
func ports() []byte { return []byte{0x03, 0xe8, 0x07, 0xd0, 0, 0, 0, 0} }

// ext returns an IPv6 extension header of n bytes, followed by rest of type next.
func ext(next uint8, n int, rest ...[]byte) []byte {
	h := make([]byte, n)
	h[0], h[1] = next, uint8(n/8-1)
	return append(h, bytes.Join(rest, nil)...)
}

// ah returns an authentication header of n bytes, whose length has another unit.
func ah(next uint8, n int, rest ...[]byte) []byte {
	h := make([]byte, n)
	h[0], h[1] = next, uint8(n/4-2)
	return append(h, bytes.Join(rest, nil)...)
}

// fragment returns an IPv6 fragment header with an offset in bytes.
func fragment(next uint8, offset uint16, more bool, rest ...[]byte) []byte {
	h := []byte{next, 0, 0, 0, 0, 0, 0, 1}
	binary.BigEndian.PutUint16(h[2:], offset&^7)
	if more {
		h[3] |= 1
	}
	return append(h, bytes.Join(rest, nil)...)
}

// chain returns n extension headers of size bytes each in front of UDP ports.
func chain(n, size int) []byte {
	b := ports()
	next := uint8(17)
	for range n {
		b = ext(next, size, b)
		next = 60
	}
	return b
}

// set returns an edit that writes b at offset i.
func set(i int, b ...byte) func([]byte) {
	return func(pkt []byte) { copy(pkt[i:], b) }
}

// flow4 returns a Tuple with the addresses of v4, flow6 one with those of v6.
func flow4(proto flowtrack.Proto, sport, dport uint16) flowtrack.Tuple {
	return flowtrack.Tuple{Proto: proto, Src: netip.AddrPortFrom(a4, sport), Dst: netip.AddrPortFrom(b4, dport)}
}

func flow6(proto flowtrack.Proto, sport, dport uint16) flowtrack.Tuple {
	return flowtrack.Tuple{Proto: proto, Src: netip.AddrPortFrom(a6, sport), Dst: netip.AddrPortFrom(b6, dport)}
}
