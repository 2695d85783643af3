package window

import (
	"net/netip"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/internal/route"
)

// Policy says how much of exit traffic is kept. Its values are those of
// netlog.ExitPolicy; any other value means Totals.
type Policy uint8

const (
	Totals Policy = iota // all exit traffic of a window in one entry without protocol, address and port
	ByNode               // one entry for each known side
	Full                 // everything
)

// hide removes from e, a flow of exit traffic, what the policy does not keep. src and dst are
// the kinds of its addresses.
func (p Policy) hide(e *entry, src, dst route.Kind) {
	if p == Full {
		return
	}
	f := e.Tuple
	e.Tuple = flowtrack.Tuple{}
	e.Counts = withoutFlags(e.Counts)
	e.sum, e.flows = true, 1
	switch {
	case p != ByNode:
	case src != route.Unknown:
		e.Src = knownSide(f.Src)
	case dst != route.Unknown:
		e.Dst = knownSide(f.Dst)
	}
}

// knownSide returns the known side of a flow without its port.
func knownSide(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), 0)
}
