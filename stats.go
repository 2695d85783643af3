package netlog

import (
	"sync"

	"github.com/go-netlog/netlog/internal/window"
	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/tunstats"
)

// Stats counts what one session of a [Logger] has done. It contains no addresses of flows.
type Stats struct {
	Windows        uint64 // windows closed, including idle ones
	Records        uint64 // records made
	Flows          uint64 // entries in the records
	FoldedFlows    uint64 // flows that lost their ports or addresses because their window was too large
	DroppedRecords uint64 // records that the Buffer did not accept; Upload counts what it dropped later

	IgnoredFlows  uint64          // flows left out by Ignore
	Ignored       tunstats.Counts // packets and bytes of ignored flows in the tunnel
	IgnoredDenied tunstats.Counts // packets and bytes of ignored flows counted by Denied
	OwnUploads    tunstats.Counts // packets and bytes of our own uploads in the tunnel, which are left out
	OwnDenied     tunstats.Counts // packets and bytes of our own uploads counted by Denied

	LastError error // why the last record was not accepted, or nil if it was

	Upload logtail.Stats // zero with NoUpload
}

// counters collects the Stats of a session.
type counters struct {
	mu sync.Mutex // guards s; held for field access only
	s  Stats
}

func (c *counters) addOwn(own, denied tunstats.Counts) {
	c.mu.Lock()
	defer c.mu.Unlock()
	own.TxFlags, own.RxFlags, denied.TxFlags, denied.RxFlags = 0, 0, 0, 0 // they mean nothing in a sum
	c.s.OwnUploads, c.s.OwnDenied = c.s.OwnUploads.Add(own), c.s.OwnDenied.Add(denied)
}

func (c *counters) addWindow(w *window.Collector) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.s.Windows++
	c.s.FoldedFlows += uint64(w.Folded)
	c.s.IgnoredFlows += uint64(w.IgnoredFlows)
	c.s.Ignored = c.s.Ignored.Add(w.Ignored)
	c.s.IgnoredDenied = c.s.IgnoredDenied.Add(w.IgnoredDenied)
}

func (c *counters) addRecord(m *Message, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.s.Records++
	c.s.Flows += uint64(len(m.VirtualTraffic) + len(m.SubnetTraffic) + len(m.ExitTraffic) +
		len(m.PhysicalTraffic) + len(m.DeniedTraffic))
	c.s.LastError = err
	if err != nil {
		c.s.DroppedRecords++
	}
}

// stats returns the Stats of s so far.
func (s *session) stats() Stats {
	s.counters.mu.Lock()
	stats := s.counters.s
	s.counters.mu.Unlock()
	if s.upload != nil {
		stats.Upload = s.upload.Stats()
	}
	return stats
}
