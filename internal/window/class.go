package window

import "github.com/go-netlog/netlog/internal/route"

// Policy says how much of exit traffic is kept. Its values are those of
// netlog.ExitPolicy; any other value means Totals.
type Policy uint8

const (
	Totals Policy = iota // all exit traffic of a window in one entry without protocol, address and port
	ByNode               // one entry for each known side
	Full                 // everything
)

// class is the class of a flow.
type class uint8

const (
	classExit    class = iota // at least one side is not known
	classVirtual              // both sides are nodes
	classSubnet               // both sides are known, at least one is not a node
)

// classOf returns the class of a flow. It depends only on the addresses, so folding
// flows does not change it. The zero Tuple is exit traffic.
func classOf(src, dst route.Kind) class {
	switch {
	case src == route.Unknown || dst == route.Unknown:
		return classExit
	case src == route.Node && dst == route.Node:
		return classVirtual
	}
	return classSubnet
}
