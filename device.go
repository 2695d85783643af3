package netlog

import (
	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/tunstats"
)

// Device counts the packets of a tunnel by flow. [tunstats.Meter] implements it,
// so a tun wrapper that embeds a Meter is a Device; a test fakes it in ten lines.
//
// A Device serves one Logger at a time: a second one would take its counts. The
// Logger calls both methods from one goroutine at a time, never under a lock of its
// own. A call that hangs delays records, not packets, and
// [Logger.Shutdown] does not wait for it past its deadline.
type Device interface {
	// SetStatisticsEnabled turns counting on or off. It does not reset the
	// counters. Once SetStatisticsEnabled(false) has returned, no packet is
	// added any more.
	SetStatisticsEnabled(enable bool)

	// ExtractStatistics returns what was counted since the last call and starts
	// again from zero. The caller owns the map; nil means that nothing was counted.
	//
	// The source of a Tuple is the source of the packets sent (Tx) and the
	// destination of those received (Rx): the local node, on a subnet router
	// the host in the subnet, on an exit node the internet side.
	ExtractStatistics() map[flowtrack.Tuple]tunstats.Counts
}
