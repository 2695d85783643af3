// Package flowtrack identifies network flows.
//
// A [Tuple] is the 5-tuple of a flow as a comparable value. The packets of one
// direction of a flow have equal Tuples, except fragments after the first, which
// have no ports. Flows that were folded together share one Tuple.
//
//	package main
//
//	import (
//		"fmt"
//		"net/netip"
//
//		"github.com/go-netlog/netlog/flowtrack"
//	)
//
//	func main() {
//		flow := flowtrack.Tuple{
//			Proto: flowtrack.TCP,
//			Src:   netip.MustParseAddrPort("100.64.0.1:49152"),
//			Dst:   netip.MustParseAddrPort("100.64.0.2:443"),
//		}
//		packets := map[flowtrack.Tuple]int{flow: 1}
//		packets[flow]++
//		fmt.Println(flow, packets[flow]) // TCP 100.64.0.1:49152 -> 100.64.0.2:443 2
//	}
//
// The package depends on the standard library alone and holds no state.
package flowtrack

import (
	"cmp"
	"net/netip"
)

// Tuple is the 5-tuple of a flow: protocol, source and destination.
//
// The zero Tuple stands for "no flow": traffic that could not be decoded, or
// that was folded because a table was full. A side that is unknown is the zero
// [netip.AddrPort]. Protocols without ports, and packets whose ports cannot be
// read, have port 0.
//
// A Tuple is comparable, so it works as a map key. Its JSON members are proto, src and dst.
type Tuple struct {
	Proto Proto          `json:"proto,omitzero"`
	Src   netip.AddrPort `json:"src,omitzero"`
	Dst   netip.AddrPort `json:"dst,omitzero"`
}

// Tuple must not have a MarshalJSON method, which would be promoted to structs that embed a
// Tuple, and hide their other fields.

// String returns the tuple for people to read, as "TCP 192.0.2.1:80 -> 198.51.100.7:443".
// An unknown side prints as "?".
func (t Tuple) String() string {
	b := make([]byte, 0, len("UDPLite [ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535 -> 192.0.2.1:65535"))
	b = append(b, t.Proto.String()...)
	b = append(b, ' ')
	b = appendSide(b, t.Src)
	b = append(b, " -> "...)
	b = appendSide(b, t.Dst)
	return string(b)
}

func appendSide(b []byte, ap netip.AddrPort) []byte {
	if !ap.IsValid() {
		return append(b, '?')
	}
	return ap.AppendTo(b)
}

// WithoutPorts returns t with both ports 0. An unknown side stays unknown.
func (t Tuple) WithoutPorts() Tuple {
	t.Src = netip.AddrPortFrom(t.Src.Addr(), 0)
	t.Dst = netip.AddrPortFrom(t.Dst.Addr(), 0)
	return t
}

// Compare returns -1, 0 or +1, in the order of the destinations, then of the sources, then of
// the protocols. An unknown side sorts first, then IPv4, then IPv6, each by address and port.
// The result is 0 exactly when t and u are equal.
func (t Tuple) Compare(u Tuple) int {
	if c := t.Dst.Compare(u.Dst); c != 0 {
		return c
	}
	if c := t.Src.Compare(u.Src); c != 0 {
		return c
	}
	return cmp.Compare(t.Proto, u.Proto)
}
