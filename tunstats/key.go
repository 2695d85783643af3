package tunstats

import (
	"encoding/binary"
	"math/bits"
	"net/netip"

	"github.com/go-netlog/netlog/flowtrack"
)

// key is a flowtrack.Tuple without pointers: 40 bytes that the garbage collector
// need not look into, and that are compared and hashed as words. A netip.AddrPort
// has a pointer in it and makes a Tuple of 72 bytes.
//
// The words hold the bytes of the packet as they lie there, read little endian, so
// that decoding is a few loads without a shuffle on most machines. An IPv4
// address is the low half of its lo word. The zero key is the zero Tuple.
type key struct {
	srcHi, srcLo uint64
	dstHi, dstLo uint64
	meta         uint64 // bits 0-15 source port, 16-31 destination port, 32-39 protocol, 40-47 IP version
}

const (
	protoShift   = 32
	versionShift = 40
	portsMask    = 1<<32 - 1

	version4 = 4 << versionShift
	version6 = 6 << versionShift
)

// reversed returns the key of the packets that go the other way.
func (k key) reversed() key {
	ports := uint64(bits.RotateLeft32(uint32(k.meta), 16))
	return key{k.dstHi, k.dstLo, k.srcHi, k.srcLo, k.meta&^portsMask | ports}
}

// withoutPorts returns the key that k folds into in a full table.
func (k key) withoutPorts() key {
	k.meta &^= portsMask
	return k
}

// equal is == written so that it needs one branch and no call.
func (k *key) equal(o *key) bool {
	return (k.meta^o.meta)|(k.srcLo^o.srcLo)|(k.dstLo^o.dstLo)|(k.srcHi^o.srcHi)|(k.dstHi^o.dstHi) == 0
}

// tuple returns what k stands for. Addresses stay as they are in the packet:
// an IPv4-mapped IPv6 address is an IPv6 address.
func (k key) tuple() flowtrack.Tuple {
	var src, dst netip.Addr
	switch k.meta >> versionShift << versionShift {
	case version4:
		var a [4]byte
		binary.LittleEndian.PutUint32(a[:], uint32(k.srcLo))
		src = netip.AddrFrom4(a)
		binary.LittleEndian.PutUint32(a[:], uint32(k.dstLo))
		dst = netip.AddrFrom4(a)
	case version6:
		var a [16]byte
		binary.LittleEndian.PutUint64(a[:8], k.srcHi)
		binary.LittleEndian.PutUint64(a[8:], k.srcLo)
		src = netip.AddrFrom16(a)
		binary.LittleEndian.PutUint64(a[:8], k.dstHi)
		binary.LittleEndian.PutUint64(a[8:], k.dstLo)
		dst = netip.AddrFrom16(a)
	default:
		return flowtrack.Tuple{}
	}
	return flowtrack.Tuple{
		Proto: flowtrack.Proto(k.meta >> protoShift),
		Src:   netip.AddrPortFrom(src, bits.ReverseBytes16(uint16(k.meta))),
		Dst:   netip.AddrPortFrom(dst, bits.ReverseBytes16(uint16(k.meta>>16))),
	}
}
