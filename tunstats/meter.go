package tunstats

import (
	"sync"
	"sync/atomic"

	"github.com/go-netlog/netlog/flowtrack"
)

// Meter is a [Statistics] that can be turned on and off. A tun wrapper that embeds a Meter, and
// calls its Update methods for every packet, is a netlog.Device.
//
// The zero value is ready to use and turned off, in which state a packet costs one atomic load.
// All methods are safe for concurrent use. A Meter must not be copied after its first use.
type Meter struct {
	// MaxFlows is like [Statistics.MaxFlows]. It must not change after the first call of
	// SetStatisticsEnabled or NotifyActivity.
	MaxFlows int

	mu      sync.Mutex  // serializes SetStatisticsEnabled and the creation of the counter
	enabled atomic.Bool // a shortcut; the paused field of the shards decides
	stats   Statistics
}

// SetStatisticsEnabled turns counting on or off, without resetting the counters.
//
// After SetStatisticsEnabled(false) has returned, no packet is counted, not even by an Update
// that began before. After SetStatisticsEnabled(true) has returned, every packet is counted.
func (m *Meter) SetStatisticsEnabled(enable bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.counterLocked().pause(!enable)
	m.enabled.Store(enable)
}

// counterLocked returns the counter. It creates it if necessary.
func (m *Meter) counterLocked() *counter {
	if m.stats.counter.Load() == nil {
		m.stats.MaxFlows = m.MaxFlows
	}
	return m.stats.load()
}

// NotifyActivity makes the Meter call wake when there is something to extract, so that nobody
// needs to poll an idle tunnel. If packets were counted since the last extraction,
// NotifyActivity calls wake before it returns, otherwise the next packet does. After that, the
// first packet after each extraction that returned nothing calls wake again.
//
// wake is called by the goroutine that counts the packet, which waits for it. So wake must not
// block; it may send to a channel that has room. No lock is held, so wake may call all methods
// of the Meter. While counting is off, no packet calls it, except one that was counted just before.
//
// A Meter has one wake: NotifyActivity replaces the previous one, and nil removes it. Packets
// counted after NotifyActivity has returned do not call the previous wake. But a goroutine that
// counted a packet earlier may still call it, because NotifyActivity does not wait for other
// goroutines.
func (m *Meter) NotifyActivity(wake func()) {
	m.mu.Lock()
	c := m.counterLocked()
	m.mu.Unlock()
	c.notifyActivity(wake)
}

// ExtractStatistics is like [Statistics.Extract]. It also works while counting is off.
func (m *Meter) ExtractStatistics() map[flowtrack.Tuple]Counts {
	return m.stats.Extract()
}

// Stats is like [Statistics.Stats].
func (m *Meter) Stats() Stats { return m.stats.Stats() }

// UpdateTx is like [Statistics.UpdateTx].
func (m *Meter) UpdateTx(pkt []byte) {
	if m.enabled.Load() {
		m.stats.UpdateTx(pkt)
	}
}

// UpdateRx is like [Statistics.UpdateRx].
func (m *Meter) UpdateRx(pkt []byte) {
	if m.enabled.Load() {
		m.stats.UpdateRx(pkt)
	}
}

// UpdateTxN is like [Statistics.UpdateTxN].
func (m *Meter) UpdateTxN(head []byte, packets, bytes int) {
	if m.enabled.Load() {
		m.stats.UpdateTxN(head, packets, bytes)
	}
}

// UpdateRxN is like [Statistics.UpdateRxN].
func (m *Meter) UpdateRxN(head []byte, packets, bytes int) {
	if m.enabled.Load() {
		m.stats.UpdateRxN(head, packets, bytes)
	}
}

// UpdateTxBatch is like [Statistics.UpdateTxBatch].
func (m *Meter) UpdateTxBatch(bufs [][]byte, sizes []int, offset int) {
	if m.enabled.Load() {
		m.stats.UpdateTxBatch(bufs, sizes, offset)
	}
}

// UpdateRxBatch is like [Statistics.UpdateRxBatch].
func (m *Meter) UpdateRxBatch(bufs [][]byte, offset int) {
	if m.enabled.Load() {
		m.stats.UpdateRxBatch(bufs, offset)
	}
}
