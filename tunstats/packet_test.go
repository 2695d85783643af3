package tunstats_test

import (
	"encoding/binary"
	"net/netip"
)

// tcp returns a TCP packet without payload.
func tcp(src, dst netip.Addr, sport, dport uint16) []byte {
	var p []byte
	if src.Is4() {
		p = append([]byte{0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0}, src.AsSlice()...)
	} else {
		p = append([]byte{0x60, 0, 0, 0, 0, 20, 6, 64}, src.AsSlice()...)
	}
	p = append(p, dst.AsSlice()...)
	p = binary.BigEndian.AppendUint16(p, sport)
	p = binary.BigEndian.AppendUint16(p, dport)
	return append(p, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 0, 0, 0, 0, 0, 0, 0)
}
