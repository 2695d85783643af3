package netlog

// ExitPolicy says how much is written of exit traffic, which has at least one address that
// the routes do not know; see [RouteConfig]. Under ExitTotals and ExitByNode no part of an
// unknown address is written in virtual, subnet, exit or denied traffic. Physical traffic
// always shows the endpoints of peers.
type ExitPolicy uint8

const (
	ExitTotals ExitPolicy = iota // one entry for all exit traffic of a window, without protocols, addresses or ports
	ExitByNode                   // one entry per known side, without protocol, port and the other side
	ExitFull                     // everything
)
