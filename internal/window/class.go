package window

import "github.com/go-netlog/netlog/internal/route"

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
