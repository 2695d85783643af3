package netlog

import (
	"sync"

	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/tunstats"
)

// Stats tells what one session of a [Logger] has done. It holds no addresses.
type Stats struct {
	Windows        uint64 // closed, the idle ones too
	Records        uint64 // made
	Flows          uint64 // entries in the records, folded and scrubbed ones as they were written
	FoldedFlows    uint64 // flows that lost their ports or addresses because the window was too large
	DroppedRecords uint64 // not accepted by the buffer; what it drops later stands in Upload

	IgnoredFlows uint64          // left out by Ignore
	Ignored      tunstats.Counts // their packets and bytes
	OwnUploads   tunstats.Counts // packets and bytes of our own uploads, left out

	LastError error // of the last record that was not accepted; nil after one that was

	Upload logtail.Stats // zero with NoUpload
}

// counters collect the Stats of a session.
type counters struct {
	mu sync.Mutex // guards s; held for field access only
	s  Stats
}

func (c *counters) addWindow() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.s.Windows++
}

func (c *counters) addOwn(own tunstats.Counts) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.s.OwnUploads = c.s.OwnUploads.Add(own)
}

func (c *counters) addTraffic(w *traffic) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.s.FoldedFlows += uint64(w.folded)
	c.s.IgnoredFlows += uint64(w.ignoredFlows)
	c.s.Ignored = c.s.Ignored.Add(w.ignored)
}

func (c *counters) addRecord(m *Message, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.s.Records++
	c.s.Flows += uint64(len(m.VirtualTraffic) + len(m.SubnetTraffic) + len(m.ExitTraffic) + len(m.PhysicalTraffic))
	c.s.LastError = err
	if err != nil {
		c.s.DroppedRecords++
	}
}

// stats returns the Stats of s until now.
func (s *session) stats() Stats {
	s.counters.mu.Lock()
	stats := s.counters.s
	s.counters.mu.Unlock()
	if s.upload != nil {
		stats.Upload = s.upload.Stats()
	}
	return stats
}
