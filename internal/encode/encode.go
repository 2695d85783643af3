// Package encode writes records as JSON.
package encode

import (
	"math/bits"
	"net/netip"
	"strconv"
	"time"

	"github.com/go-netlog/netlog/internal/rawjson"
	"github.com/go-netlog/netlog/record"
	"github.com/go-netlog/netlog/tunstats"
)

// The output equals that of encoding/json.Marshal for the same struct, byte for
// byte, but it is appended to dst without reflection. Nothing is allocated if dst
// is large enough.
//
// Each append function ends its output with a comma. The function that closes the
// object or array replaces the last comma with the bracket, so no member has to
// know whether another one precedes it.

// AppendMessage appends the members of the JSON object of m, without the braces.
// Years must be from 0 to 9999, the range of RFC 3339.
func AppendMessage(dst []byte, m *record.Message) []byte {
	n := len(dst)
	dst = appendStringMember(dst, `"nodeId":`, m.NodeID)
	dst = appendTimeMember(dst, `"start":"`, m.Start)
	dst = appendTimeMember(dst, `"end":"`, m.End)
	if !isZero(&m.SrcNode) {
		dst = append(dst, `"srcNode":`...)
		dst = appendNode(dst, &m.SrcNode)
	}
	if len(m.DstNodes) > 0 {
		dst = append(dst, `"dstNodes":[`...)
		for i := range m.DstNodes {
			dst = appendNode(dst, &m.DstNodes[i])
		}
		dst = closeWith(dst, ']')
	}
	dst = appendTraffic(dst, `"virtualTraffic":[`, m.VirtualTraffic)
	dst = appendTraffic(dst, `"subnetTraffic":[`, m.SubnetTraffic)
	dst = appendTraffic(dst, `"exitTraffic":[`, m.ExitTraffic)
	dst = appendTraffic(dst, `"physicalTraffic":[`, m.PhysicalTraffic)
	dst = appendTraffic(dst, `"deniedTraffic":[`, m.DeniedTraffic)
	dst = appendUintMember(dst, `"lostPackets":`, m.LostPackets)
	return dst[:max(n, len(dst)-len(","))]
}

// AppendPeer appends the members of the JSON object of an entry that tells an event of p, without the
// braces.
func AppendPeer(dst []byte, nodeID string, p *record.Peer) []byte {
	dst = appendStringMember(dst, `"nodeId":`, nodeID)
	dst = appendStringMember(dst, `"event":`, record.EventPeer)
	dst = append(dst, `"peer":{`...)
	dst = appendStringMember(dst, `"publicKey":`, p.PublicKey)
	dst = appendStringMember(dst, `"name":`, p.Name)
	if p.Address.IsValid() {
		dst = append(dst, `"address":"`...)
		dst = append(appendAddr(dst, p.Address), `",`...)
	}
	dst = appendSideMember(dst, `"endpoint":"`, p.Endpoint)
	dst = appendStringMember(dst, `"state":`, string(p.State))
	dst = appendTimeMember(dst, `"lastHandshake":"`, p.LastHandshake)
	dst = closeWith(dst, '}')
	return dst[:len(dst)-len(",")]
}

func appendTraffic(dst []byte, name string, traffic []record.ConnectionCounts) []byte {
	if len(traffic) == 0 {
		return dst
	}
	dst = append(dst, name...)
	for i := range traffic {
		c := &traffic[i]
		dst = append(dst, '{')
		dst = appendUintMember(dst, `"proto":`, uint64(c.Proto))
		dst = appendSideMember(dst, `"src":"`, c.Src)
		dst = appendSideMember(dst, `"dst":"`, c.Dst)
		dst = appendUintMember(dst, `"txPkts":`, c.TxPackets)
		dst = appendUintMember(dst, `"txBytes":`, c.TxBytes)
		dst = appendUintMember(dst, `"rxPkts":`, c.RxPackets)
		dst = appendUintMember(dst, `"rxBytes":`, c.RxBytes)
		dst = appendUintMember(dst, `"txFlags":`, uint64(c.TxFlags))
		dst = appendUintMember(dst, `"rxFlags":`, uint64(c.RxFlags))
		dst = closeWith(dst, '}')
	}
	return closeWith(dst, ']')
}

// NodeSize returns the length of the JSON object of n in bytes.
func NodeSize(n *record.Node) int {
	var space [512]byte
	return len(appendNode(space[:0], n)) - len(",")
}

func appendNode(dst []byte, n *record.Node) []byte {
	dst = append(dst, '{')
	dst = appendStringMember(dst, `"nodeId":`, n.NodeID)
	dst = appendStringMember(dst, `"name":`, n.Name)
	if len(n.Addresses) > 0 {
		dst = append(dst, `"addresses":[`...)
		for _, a := range n.Addresses {
			dst = append(dst, '"')
			dst = appendAddr(dst, a)
			dst = append(dst, `",`...)
		}
		dst = closeWith(dst, ']')
	}
	dst = appendStringMember(dst, `"os":`, n.OS)
	dst = appendStringMember(dst, `"user":`, n.User)
	if len(n.Tags) > 0 {
		dst = append(dst, `"tags":[`...)
		for _, tag := range n.Tags {
			dst = append(dst, '"')
			dst = rawjson.AppendEscaped(dst, tag)
			dst = append(dst, `",`...)
		}
		dst = closeWith(dst, ']')
	}
	return closeWith(dst, '}')
}

func appendStringMember(dst []byte, name, s string) []byte {
	if s == "" {
		return dst
	}
	dst = append(dst, name...)
	dst = append(dst, '"')
	dst = rawjson.AppendEscaped(dst, s)
	return append(dst, `",`...)
}

func appendTimeMember(dst []byte, name string, t time.Time) []byte {
	if t.IsZero() {
		return dst
	}
	dst = append(dst, name...)
	dst = t.AppendFormat(dst, time.RFC3339Nano)
	return append(dst, `",`...)
}

func appendUintMember(dst []byte, name string, v uint64) []byte {
	if v == 0 {
		return dst
	}
	return append(strconv.AppendUint(append(dst, name...), v, 10), ',')
}

func appendSideMember(dst []byte, name string, side netip.AddrPort) []byte {
	if side == (netip.AddrPort{}) {
		return dst
	}
	dst = append(dst, name...)
	if a := side.Addr(); a.Zone() == "" {
		dst = side.AppendTo(dst)
	} else {
		dst = append(dst, '[')
		dst = appendAddr(dst, a)
		dst = append(dst, "]:"...)
		dst = strconv.AppendUint(dst, uint64(side.Port()), 10)
	}
	return append(dst, `",`...)
}

// appendAddr appends a without quotes. The zone of an address may hold any text, so
// it is escaped.
func appendAddr(dst []byte, a netip.Addr) []byte {
	if !a.IsValid() {
		return dst // AppendTo would write "invalid IP"
	}
	zone := a.Zone()
	if zone == "" {
		return a.AppendTo(dst)
	}
	dst = a.WithZone("").AppendTo(dst)
	dst = append(dst, '%')
	return rawjson.AppendEscaped(dst, zone)
}

// isZero reports whether omitzero leaves n out.
func isZero(n *record.Node) bool {
	return n.NodeID == "" && n.Name == "" && n.Addresses == nil && n.OS == "" && n.User == "" && n.Tags == nil
}

// closeWith ends the object or array at the end of dst.
func closeWith(dst []byte, bracket byte) []byte {
	if last := len(dst) - 1; dst[last] == ',' {
		dst[last] = bracket
	} else {
		dst = append(dst, bracket)
	}
	return append(dst, ',')
}

// Size returns an upper bound of the bytes that c takes in a record, including the
// comma after it. The bound is 10 to 20 % above the real size for IPv4, and more for
// IPv6 addresses with many zeros.
func Size(c *record.ConnectionCounts) int {
	const frame = len(`{"proto":255,"src":"","dst":"","txPkts":,"txBytes":,"rxPkts":,"rxBytes":},`)
	return frame + sideSize(c.Src) + sideSize(c.Dst) +
		digits(c.TxPackets) + digits(c.TxBytes) + digits(c.RxPackets) + digits(c.RxBytes) +
		flagsSize(c.TxFlags) + flagsSize(c.RxFlags)
}

// flagsSize counts the flags only where there are any, because most flows have none.
func flagsSize(f tunstats.TCPFlags) int {
	if f == 0 {
		return 0
	}
	return len(`"txFlags":255,`)
}

func sideSize(a netip.AddrPort) int {
	switch a.Addr().BitLen() {
	case 0:
		return len("invalid AddrPort") // only a port without an address is written so; a zero side is absent
	case 32:
		return len("255.255.255.255:65535")
	}
	return len("[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535")
}

// digits returns the number of decimal digits of n, or one more.
func digits(n uint64) int {
	return bits.Len64(n)*1233>>12 + 1 // 1233/4096 is a little above log10(2)
}
