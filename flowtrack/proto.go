package flowtrack

import "strconv"

// Proto is an IP protocol number, as assigned in the IANA registry "Assigned
// Internet Protocol Numbers". Zero means that the protocol is not known.
type Proto uint8

// Protocols with a name. Any other number is a valid Proto too.
const (
	Unknown Proto = 0
	ICMPv4  Proto = 1   // RFC 792
	IGMP    Proto = 2   // RFC 3376
	IPv4    Proto = 4   // IPv4 in IP, RFC 2003
	TCP     Proto = 6   // RFC 9293
	UDP     Proto = 17  // RFC 768
	DCCP    Proto = 33  // RFC 4340
	IPv6    Proto = 41  // IPv6 in IP, RFC 2473
	GRE     Proto = 47  // RFC 2784
	ESP     Proto = 50  // RFC 4303
	AH      Proto = 51  // RFC 4302
	ICMPv6  Proto = 58  // RFC 4443
	OSPF    Proto = 89  // RFC 2328
	SCTP    Proto = 132 // RFC 9260
	UDPLite Proto = 136 // RFC 3828
)

// String returns the usual name of p, or "proto-N" for a number without one.
func (p Proto) String() string {
	switch p {
	case Unknown:
		return "unknown"
	case ICMPv4:
		return "ICMPv4"
	case IGMP:
		return "IGMP"
	case IPv4:
		return "IPv4"
	case TCP:
		return "TCP"
	case UDP:
		return "UDP"
	case DCCP:
		return "DCCP"
	case IPv6:
		return "IPv6"
	case GRE:
		return "GRE"
	case ESP:
		return "ESP"
	case AH:
		return "AH"
	case ICMPv6:
		return "ICMPv6"
	case OSPF:
		return "OSPF"
	case SCTP:
		return "SCTP"
	case UDPLite:
		return "UDPLite"
	}
	return "proto-" + strconv.Itoa(int(p))
}
