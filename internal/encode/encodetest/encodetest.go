// Package encodetest makes records for tests.
package encodetest

import (
	"net/netip"
	"time"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/record"
	"github.com/go-netlog/netlog/tunstats"
)

// Flow returns a flow with the given sides, which may be empty, and counts in the
// order TxPackets, TxBytes, RxPackets, RxBytes.
func Flow(proto flowtrack.Proto, src, dst string, counts ...uint64) record.ConnectionCounts {
	var c record.ConnectionCounts
	c.Proto = proto
	if src != "" {
		c.Src = netip.MustParseAddrPort(src)
	}
	if dst != "" {
		c.Dst = netip.MustParseAddrPort(dst)
	}
	for i, n := range counts {
		*[]*uint64{&c.TxPackets, &c.TxBytes, &c.RxPackets, &c.RxBytes}[i] = n
	}
	return c
}

// Message returns a Message made from the bytes of data, for fuzzing.
func Message(data []byte) record.Message { return (*source)(&data).message() }

// source makes values from the bytes it holds, and zero values at their end.
type source []byte

func (s *source) bytes(n int) []byte {
	n = min(n, len(*s))
	b := (*s)[:n]
	*s = (*s)[n:]
	return b
}

func (s *source) byte() byte {
	for _, b := range s.bytes(1) {
		return b
	}
	return 0
}

func (s *source) uint64() (v uint64) {
	for _, b := range s.bytes(int(s.byte() % 9)) {
		v = v<<8 | uint64(b)
	}
	return v
}

func (s *source) string() string { return string(s.bytes(int(s.byte() % 40))) }

func (s *source) addr4() netip.Addr {
	var a [4]byte
	copy(a[:], s.bytes(4))
	return netip.AddrFrom4(a)
}

func (s *source) addr6() netip.Addr {
	var a [16]byte
	copy(a[:], s.bytes(16))
	return netip.AddrFrom16(a)
}

func (s *source) addr() netip.Addr {
	switch s.byte() % 5 {
	case 0:
		return s.addr4()
	case 1:
		return s.addr6()
	case 2:
		return s.addr6().WithZone(s.string())
	case 3:
		return netip.AddrFrom16(s.addr4().As16()).WithZone(s.string())
	}
	return netip.Addr{}
}

func (s *source) addrPort() netip.AddrPort { return netip.AddrPortFrom(s.addr(), uint16(s.uint64())) }

// time returns one of the times that encoding/json can write.
func (s *source) time() time.Time {
	if s.byte()%4 == 0 {
		return time.Time{}
	}
	return time.Unix(int64(s.uint64()%200e9)-60e9, int64(s.uint64()%1e9)).UTC()
}

// list returns up to seven values, nil for none, and the empty list too.
func list[T any](s *source, value func() T) []T {
	n := s.byte() % 9
	if n == 8 {
		return []T{}
	}
	var l []T
	for range n {
		l = append(l, value())
	}
	return l
}

func (s *source) node() record.Node {
	return record.Node{
		NodeID: s.string(), Name: s.string(), OS: s.string(), User: s.string(),
		Addresses: list(s, s.addr), Tags: list(s, s.string),
	}
}

func (s *source) flow() record.ConnectionCounts {
	return record.ConnectionCounts{
		Tuple: flowtrack.Tuple{Proto: flowtrack.Proto(s.byte()), Src: s.addrPort(), Dst: s.addrPort()},
		Counts: tunstats.Counts{
			TxPackets: s.uint64(), TxBytes: s.uint64(), RxPackets: s.uint64(), RxBytes: s.uint64(),
			TxFlags: tunstats.TCPFlags(s.byte()), RxFlags: tunstats.TCPFlags(s.byte()),
		},
	}
}

func (s *source) message() record.Message {
	return record.Message{
		NodeID: s.string(), Start: s.time(), End: s.time(),
		VirtualTraffic: list(s, s.flow), SubnetTraffic: list(s, s.flow),
		ExitTraffic: list(s, s.flow), PhysicalTraffic: list(s, s.flow), DeniedTraffic: list(s, s.flow),
		SrcNode: s.node(), DstNodes: list(s, s.node), LostPackets: s.uint64(),
	}
}
