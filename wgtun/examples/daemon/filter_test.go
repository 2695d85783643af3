package main

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"

	qt "github.com/frankban/quicktest"
	"golang.zx2c4.com/wireguard/tun"

	"github.com/go-netlog/netlog/flowtrack"
)

// host is a tun.Device that keeps what is written to it.
type host struct {
	tun.Device
	got [][]byte
}

func (h *host) Write(bufs [][]byte, _ int) (int, error) {
	h.got = append(h.got, bufs...)
	return len(bufs), nil
}

// packet returns a packet to a port, behind offset bytes.
func packet(offset int, proto flowtrack.Proto, port uint16, edit func(ip []byte)) []byte {
	b := make([]byte, offset+28)
	ip := b[offset:]
	ip[0], ip[3], ip[8], ip[9] = 0x45, 28, 64, byte(proto)
	copy(ip[12:], netip.MustParseAddr("10.7.0.2").AsSlice())
	copy(ip[16:], netip.MustParseAddr("10.7.0.1").AsSlice())
	binary.BigEndian.PutUint16(ip[20:], 40000)
	binary.BigEndian.PutUint16(ip[22:], port)
	if edit != nil {
		edit(ip)
	}
	return b
}

func packet6(offset int, proto flowtrack.Proto, port uint16) []byte {
	b := make([]byte, offset+48)
	ip := b[offset:]
	ip[0], ip[5], ip[6], ip[7] = 0x60, 8, byte(proto), 64
	copy(ip[8:], netip.MustParseAddr("fd00::2").AsSlice())
	copy(ip[24:], netip.MustParseAddr("fd00::1").AsSlice())
	binary.BigEndian.PutUint16(ip[40:], 40000)
	binary.BigEndian.PutUint16(ip[42:], port)
	return b
}

func TestFilter(t *testing.T) {
	const offset = 16
	for _, test := range []struct {
		name   string
		packet []byte
		denied string // empty: it passes
	}{
		{"TCP", packet(offset, flowtrack.TCP, 22, nil), "TCP 10.7.0.1:22 -> 10.7.0.2:40000"},
		{"UDP", packet(offset, flowtrack.UDP, 22, nil), "UDP 10.7.0.1:22 -> 10.7.0.2:40000"},
		{"IPv6", packet6(offset, flowtrack.TCP, 22), "TCP [fd00::1]:22 -> [fd00::2]:40000"},
		{"another port", packet(offset, flowtrack.TCP, 23, nil), ""},
		{"another port, IPv6", packet6(offset, flowtrack.UDP, 23), ""},
		{"a protocol without ports", packet(offset, flowtrack.ICMPv4, 22, nil), ""},
		{"a later fragment", packet(offset, flowtrack.TCP, 22, func(ip []byte) { ip[7] = 1 }), ""},
		{"a header that is too long", packet(offset, flowtrack.TCP, 22, func(ip []byte) { ip[0] = 0x4f }), ""},
		{"a header that is too short", packet(offset, flowtrack.TCP, 22, func(ip []byte) { ip[0] = 0x44 }), ""},
		{"half a packet", packet(offset, flowtrack.TCP, 22, nil)[:offset+22], ""},
		{"nothing", make([]byte, offset), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := qt.New(t)
			var inner host
			f := newFilter(&inner, []uint16{22, 53})
			f.denied.SetStatisticsEnabled(true)
			other := packet(offset, flowtrack.TCP, 443, nil)
			for _, bufs := range [][][]byte{{test.packet}, {other, test.packet, other}} {
				n, err := f.Write(bufs, offset)
				c.Check(err, qt.IsNil)
				c.Check(n > 0, qt.IsTrue)
			}
			flows := f.denied.ExtractStatistics()
			if test.denied == "" {
				c.Check(flows, qt.HasLen, 0)
				c.Check(inner.got, qt.HasLen, 4)
				return
			}
			c.Check(inner.got, qt.HasLen, 2)
			c.Assert(flows, qt.HasLen, 1)
			for t, n := range flows {
				c.Check(fmt.Sprint(t), qt.Equals, test.denied)
				c.Check(n.RxPackets, qt.Equals, uint64(2))
			}
		})
	}
}
