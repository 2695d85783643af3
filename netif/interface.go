package netif

import (
	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/tunstats"
)

// DefaultRingBytes is the default of Options.RingBytes. It holds some 40,000 packets.
const DefaultRingBytes = 8 << 20

// Options are the options of [Open]. The zero value is ready to use.
type Options struct {
	// RingBytes is the memory for captured packets that are not counted yet. A packet takes
	// up to 256 bytes. RingBytes is rounded to blocks of 512 KiB, at least two. Zero means
	// DefaultRingBytes.
	RingBytes int

	// MaxFlows is like [tunstats.Statistics.MaxFlows].
	MaxFlows int

	// Wait makes Open succeed if there is no such interface yet. It is counted as soon as it
	// appears.
	Wait bool

	// Logf is called when the interface is removed and when it is back, and for the first
	// packets that are lost. It may be nil. Packets wait for it, but calls are rare.
	Logf func(format string, args ...any)
}

// Interface counts the packets of an interface of the kernel. It is a netlog.Device.
//
// It follows the interface that had the name when Open was called, even if it is renamed, goes
// down and up, or changes its MTU. After the interface is removed, or moved to another network
// namespace, the next one with the original name is followed. Nothing is captured while counting
// is off.
//
// All methods are safe for concurrent use.
type Interface struct {
	meter tunstats.Meter
	tap   *tap
}

// Open returns an Interface that counts the packets of the interface with the given name in the
// network namespace of the calling thread. Counting is off until a Logger turns it on. The
// caller must close the Interface, after shutting down the Logger.
//
// The error says what is missing: the capability CAP_NET_RAW, which is needed only during the
// call, or the interface, in which case it wraps fs.ErrNotExist.
func Open(name string, opts Options) (*Interface, error) {
	i := &Interface{}
	i.meter.MaxFlows = opts.MaxFlows
	t, err := openTap(name, opts, &i.meter)
	if err != nil {
		return nil, err
	}
	i.tap = t
	return i, nil
}

// SetStatisticsEnabled turns counting on or off, without resetting the counters.
// SetStatisticsEnabled(false) waits until the packets captured so far are counted, usually some
// 50 ms and at most a second. No packet is counted after it has returned.
func (i *Interface) SetStatisticsEnabled(enable bool) { i.tap.setEnabled(enable) }

// ExtractStatistics returns the counters since the last call and resets them. The caller owns
// the map, which is nil if nothing was counted. Packets of the last 50 ms may be in the next
// extraction, since the kernel hands them over in blocks.
func (i *Interface) ExtractStatistics() map[flowtrack.Tuple]tunstats.Counts {
	return i.meter.ExtractStatistics()
}

// NotifyActivity makes the Interface call wake when there is something to extract. A Logger uses
// it to sleep while the interface is idle. See [tunstats.Meter.NotifyActivity].
func (i *Interface) NotifyActivity(wake func()) { i.meter.NotifyActivity(wake) }

// Name returns the current name of the interface, or the original one if it is absent.
func (i *Interface) Name() string { return i.tap.currentName() }

// LostPackets returns the number of packets that passed through the interface uncounted since Open,
// because the ring was full. The kernel counts them. Packets that it handled merged into one count as
// one. A Logger writes their number as lostPackets.
func (i *Interface) LostPackets() uint64 { return i.tap.lostPackets() }

// Stats returns the number of flows, and how many packets were folded or undecodable.
func (i *Interface) Stats() tunstats.Stats { return i.meter.Stats() }

// Close ends counting for good and releases the ring. What was counted can still be extracted.
func (i *Interface) Close() error { return i.tap.close() }
