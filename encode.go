package netlog

import (
	"math/bits"
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// The encoder writes what encoding/json.Marshal writes for the same struct, byte
// for byte, straight behind what dst holds already: without reflection, without
// allocating once dst is large enough, and passing over each byte once.
//
// Every append function below ends what it writes with a comma, and whoever
// closes the object or array turns the last comma into the bracket. So no member
// needs to know whether another one stands before it.

// appendMessage appends the members of m's JSON object, without the braces.
// Times must be as RFC 3339 can write them, with years from 0 to 9999.
func appendMessage(dst []byte, m *Message) []byte {
	n := len(dst)
	dst = appendStringMember(dst, `"nodeId":`, m.NodeID)
	dst = appendTimeMember(dst, `"start":"`, m.Start)
	dst = appendTimeMember(dst, `"end":"`, m.End)
	if !m.SrcNode.isZero() {
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
	return dst[:max(n, len(dst)-len(","))]
}

func appendTraffic(dst []byte, name string, traffic []ConnectionCounts) []byte {
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
		dst = closeWith(dst, '}')
	}
	return closeWith(dst, ']')
}

func appendNode(dst []byte, n *Node) []byte {
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
			dst = appendEscaped(dst, tag)
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
	dst = appendEscaped(dst, s)
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

// appendAddr appends a as it stands in a JSON string. Its zone can be any text.
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
	return appendEscaped(dst, zone)
}

// appendEscaped appends s as it stands between the quotes of a JSON string. Like
// encoding/json it also escapes what HTML and JavaScript take for their own (<, >,
// &, U+2028, U+2029), and writes U+FFFD for each byte that is not UTF-8.
func appendEscaped(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	for {
		n := strings.IndexFunc(s, mustEscape)
		if n < 0 {
			return append(dst, s...)
		}
		dst = append(dst, s[:n]...)
		r, size := utf8.DecodeRuneInString(s[n:])
		switch i := strings.IndexRune("\"\\\b\f\n\r\t", r); {
		case i >= 0:
			dst = append(dst, '\\', `"\bfnrt`[i])
		case r == utf8.RuneError && size > 1: // U+FFFD itself, no broken byte
			dst = append(dst, s[n:n+size]...)
		default:
			dst = append(dst, '\\', 'u', hex[r>>12], hex[r>>8&0xf], hex[r>>4&0xf], hex[r&0xf])
		}
		s = s[n+size:]
	}
}

func mustEscape(r rune) bool {
	switch r {
	case '"', '\\', '<', '>', '&', '\u2028', '\u2029', utf8.RuneError:
		return true
	}
	return r < ' '
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

// jsonSize returns an upper bound of the bytes that c takes in a record, with the
// comma after it. It is 10 to 20 % above the truth for IPv4, more for IPv6
// addresses with many zeros.
func jsonSize(c *ConnectionCounts) int {
	const frame = len(`{"proto":255,"src":"","dst":"","txPkts":,"txBytes":,"rxPkts":,"rxBytes":},`)
	return frame + sideSize(c.Src) + sideSize(c.Dst) +
		digits(c.TxPackets) + digits(c.TxBytes) + digits(c.RxPackets) + digits(c.RxBytes)
}

func sideSize(a netip.AddrPort) int {
	switch a.Addr().BitLen() {
	case 0:
		return len("invalid AddrPort") // absent, but for a port without an address
	case 32:
		return len("255.255.255.255:65535")
	}
	return len("[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535")
}

// digits returns an upper bound of the decimal digits of n, too large by at most one.
func digits(n uint64) int {
	return bits.Len64(n)*1233>>12 + 1 // 1233/4096 is a little above log10(2)
}
