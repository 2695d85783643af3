package netlog

// ExitPolicy says what is written of exit traffic, which is traffic with an
// address that the routes do not know (see [RouteConfig]). The zero policy is
// ExitTotals. Under ExitTotals and ExitByNode no byte of an unknown address gets
// into a record.
type ExitPolicy uint8

const (
	ExitTotals ExitPolicy = iota // all exit traffic of a window is one entry without protocol, address or port
	ExitByNode                   // one entry per known side, the other side, ports and protocol removed
	ExitFull                     // everything
)

// class is the sort of traffic that a flow is.
type class uint8

const (
	classExit    class = iota // at least one side is not known
	classVirtual              // both sides are nodes
	classSubnet               // both sides are known, at least one is no node
)

// classOf returns the class of a flow. It rests on the addresses alone, so flows
// that are folded together keep theirs; the zero Tuple is exit traffic.
func classOf(src, dst addrKind) class {
	switch {
	case src == addrUnknown || dst == addrUnknown:
		return classExit
	case src == addrNode && dst == addrNode:
		return classVirtual
	}
	return classSubnet
}
