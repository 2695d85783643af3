package tunstats

import (
	"sync"
	"sync/atomic"

	"github.com/go-netlog/netlog/flowtrack"
)

// Meter is a [Statistics] with a switch. A tun wrapper embeds one, calls its
// Update methods for every packet, and is a Device of a flow logger.
//
// The zero value is ready and off: a packet then costs one atomic load. All
// methods may be called from several goroutines at once. A Meter must not be
// copied after its first use.
type Meter struct {
	// MaxFlows is [Statistics.MaxFlows]. It must not change after the Meter was
	// first enabled.
	MaxFlows int

	mu      sync.Mutex  // one SetStatisticsEnabled at a time
	enabled atomic.Bool // spares a packet the way; what decides is paused, under a shard's lock
	stats   Statistics
}

// SetStatisticsEnabled turns counting on or off. It does not reset the counters.
//
// Once SetStatisticsEnabled(false) has returned, no packet is added any more,
// not even one whose Update began before. Once SetStatisticsEnabled(true) has
// returned, no packet is missed.
func (m *Meter) SetStatisticsEnabled(enable bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stats.counter.Load() == nil {
		if !enable {
			return // it never was on
		}
		m.stats.MaxFlows = m.MaxFlows
	}
	m.stats.load().pause(!enable)
	m.enabled.Store(enable)
}

// ExtractStatistics is [Statistics.Extract]. It works whether counting is on or
// off, so that nothing counted before it was turned off is stranded.
func (m *Meter) ExtractStatistics() map[flowtrack.Tuple]Counts {
	return m.stats.Extract()
}

// Stats is [Statistics.Stats].
func (m *Meter) Stats() Stats { return m.stats.Stats() }

// UpdateTx is [Statistics.UpdateTx].
func (m *Meter) UpdateTx(pkt []byte) {
	if m.enabled.Load() {
		m.stats.UpdateTx(pkt)
	}
}

// UpdateRx is [Statistics.UpdateRx].
func (m *Meter) UpdateRx(pkt []byte) {
	if m.enabled.Load() {
		m.stats.UpdateRx(pkt)
	}
}

// UpdateTxBatch is [Statistics.UpdateTxBatch].
func (m *Meter) UpdateTxBatch(bufs [][]byte, sizes []int, offset int) {
	if m.enabled.Load() {
		m.stats.UpdateTxBatch(bufs, sizes, offset)
	}
}

// UpdateRxBatch is [Statistics.UpdateRxBatch].
func (m *Meter) UpdateRxBatch(bufs [][]byte, offset int) {
	if m.enabled.Load() {
		m.stats.UpdateRxBatch(bufs, offset)
	}
}
