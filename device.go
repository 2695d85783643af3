package netlog

import (
	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/tunstats"
)

// Device counts the packets of a tunnel by flow. [tunstats.Meter] implements it, so a tun
// wrapper that embeds a Meter is a Device.
//
// A Device serves one Logger at a time, because extracting resets its counters. The Logger
// calls the methods from one goroutine at a time, without holding a lock. A call that hangs
// delays records but not packets, and [Logger.Shutdown] does not wait for it past its
// deadline.
//
// # Idle devices
//
// A Device may also have the method
//
//	NotifyActivity(wake func())
//
// as a Meter does. After an extraction that returned nothing, the Device must call wake for
// the next packet, as soon as that packet can be extracted, also if it arrived while the
// extraction was running. NotifyActivity itself calls wake if there is something to extract.
// wake may be called by any goroutine and never waits. NotifyActivity(nil) ends this.
// If the devices of the tunnel and of denied traffic have the method, a Logger sleeps while they
// are idle: no timer runs, and the next window starts when wake is called and ends one period
// later. Otherwise it polls all devices.
//
// # Devices that lose packets
//
// A Device that captures packets beside their path may also have a method LostPackets() uint64,
// which returns how many have passed uncounted since the Device was made. The Logger writes the
// increase in the next record.
type Device interface {
	// SetStatisticsEnabled turns counting on or off, without resetting the counters. No
	// packet is counted after SetStatisticsEnabled(false) has returned.
	SetStatisticsEnabled(enable bool)

	// ExtractStatistics returns the counters since the last call and resets them. The
	// caller owns the map, which is nil if nothing was counted.
	//
	// The source of a Tuple is the local side, which sent the Tx packets and received the
	// Rx packets. It is the node itself, the host in the subnet on a subnet router, or the
	// internet host on an exit node.
	ExtractStatistics() map[flowtrack.Tuple]tunstats.Counts
}

// notifier is implemented by a Device that can end the sleep of a Logger.
type notifier interface {
	NotifyActivity(wake func())
}

// lossy is implemented by a Device that may lose packets.
type lossy interface {
	LostPackets() uint64
}
