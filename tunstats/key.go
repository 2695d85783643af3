package tunstats

import (
	"encoding/binary"
	"math/bits"
	"net/netip"

	"github.com/go-netlog/netlog/flowtrack"
)

// key is a flowtrack.Tuple without pointers: 40 bytes that the garbage collector need not scan, and that are
// compared and hashed as words. A Tuple has 72 bytes with two pointers.
//
// The words contain the bytes of the packet in their order, read as little endian, so that decoding takes a few
// loads on most machines. An IPv4 address is in the low half of its lo word. The zero key means the zero Tuple.
//
// Functions take a *key because a struct of five words is not passed in registers: passing it by value cost 8 of
// 28 ns per packet.
type key struct {
	srcHi, srcLo uint64
	dstHi, dstLo uint64
	meta         uint64 // bits 0-15 source port, 16-31 destination port, 32-39 protocol, 40-47 IP version
}

const (
	protoShift   = 32
	versionShift = 40
	portsMask    = 1<<protoShift - 1

	version4 = 4 << versionShift
	version6 = 6 << versionShift
)

// reversed returns the key of packets in the other direction.
func (k *key) reversed() key {
	ports := uint64(bits.RotateLeft32(uint32(k.meta), 16))
	return key{k.dstHi, k.dstLo, k.srcHi, k.srcLo, k.meta&^portsMask | ports}
}

// withoutPorts returns the key under which k is folded.
func (k *key) withoutPorts() key {
	folded := *k
	folded.meta &^= portsMask
	return folded
}

// equal is like ==, but compiles to one branch and no call.
func (k *key) equal(o *key) bool {
	return (k.meta^o.meta)|(k.srcLo^o.srcLo)|(k.dstLo^o.dstLo)|(k.srcHi^o.srcHi)|(k.dstHi^o.dstHi) == 0
}

// tuple returns the Tuple of k. An IPv4-mapped IPv6 address remains an IPv6 address.
func (k *key) tuple() flowtrack.Tuple {
	var src, dst netip.Addr
	switch k.meta >> versionShift {
	case 4:
		src, dst = addr4(k.srcLo), addr4(k.dstLo)
	case 6:
		src, dst = addr6(k.srcHi, k.srcLo), addr6(k.dstHi, k.dstLo)
	}
	return flowtrack.Tuple{
		Proto: flowtrack.Proto(k.meta >> protoShift),
		Src:   netip.AddrPortFrom(src, bits.ReverseBytes16(uint16(k.meta))),
		Dst:   netip.AddrPortFrom(dst, bits.ReverseBytes16(uint16(k.meta>>16))),
	}
}

func addr4(lo uint64) netip.Addr {
	var a [4]byte
	binary.LittleEndian.PutUint32(a[:], uint32(lo))
	return netip.AddrFrom4(a)
}

func addr6(hi, lo uint64) netip.Addr {
	var a [16]byte
	binary.LittleEndian.PutUint64(a[:8], hi)
	binary.LittleEndian.PutUint64(a[8:], lo)
	return netip.AddrFrom16(a)
}

// seeds makes the hash of a Statistics unpredictable, so that nobody can create flows that collide.
type seeds [7]uint64

// hash uses the 64x64 to 128 bit multiplication of wyhash, like the portable hash of Go's maps. The three products
// are independent, so that the processor computes them at once. Each word is part of two of them: with one, ports in
// sequence were spread over only half of the expected slots.
func (s *seeds) hash(k *key) uint64 {
	h := mix(k.srcLo^s[0], k.dstLo^s[1]) ^ mix(k.srcHi^s[2], k.dstHi^s[3]) ^ mix(k.meta^s[4], s[5])
	return mix(h, s[6])
}

func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}
