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
	// MaxFlows is like [Statistics.MaxFlows]. It must not change after the Meter was first
	// enabled.
	MaxFlows int

	mu      sync.Mutex  // serializes SetStatisticsEnabled
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
	if m.stats.counter.Load() == nil {
		if !enable {
			return // it was never on
		}
		m.stats.MaxFlows = m.MaxFlows
	}
	m.stats.load().pause(!enable)
	m.enabled.Store(enable)
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
