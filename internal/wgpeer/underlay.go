package wgpeer

import (
	"sync"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/tunstats"
)

// Underlay counts the bytes that peers send and receive on the encrypted transport. It has the methods of a
// netlog.Device, and is safe for concurrent use if ask is.
type Underlay struct {
	ask func(use func([]Peer, error))

	mu       sync.Mutex // guards the fields below; never held while waiting for the device
	counting bool
	bytes    counter
}

// NewUnderlay returns an Underlay. ask reads the peers and calls use with them. If the device is busy, it may
// return before that, or not call use at all. The calls of use must be in the order of the readings.
func NewUnderlay(ask func(use func([]Peer, error))) *Underlay { return &Underlay{ask: ask} }

// SetStatisticsEnabled turns counting on or off.
func (u *Underlay) SetStatisticsEnabled(enable bool) {
	u.mu.Lock()
	same := u.counting == enable
	if enable && !same {
		u.bytes.restart() // bytes since that earlier reading must not count
	}
	u.mu.Unlock()
	if same {
		return
	}
	u.ask(u.add) // the bytes until now count as before
	u.mu.Lock()
	u.counting = enable
	u.mu.Unlock()
}

// ExtractStatistics returns the bytes since the last call, by VPN address and endpoint. The caller owns the
// map, which is nil if there were none.
func (u *Underlay) ExtractStatistics() map[flowtrack.Tuple]tunstats.Counts {
	u.mu.Lock()
	counting := u.counting
	u.mu.Unlock()
	if counting {
		u.ask(u.add)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.bytes.extract()
}

// add adds the increments since the last reading, unless err says that the peers could not be read.
func (u *Underlay) add(peers []Peer, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if err == nil {
		u.bytes.add(peers, u.counting)
	}
}

// counter converts the counters of peers, which only grow, to increments. The zero counter is ready to use.
// It is not safe for concurrent use.
type counter struct {
	last    map[string]Peer // by key, at the last reading; nil before the first
	counted map[flowtrack.Tuple]tunstats.Counts
}

// restart makes the next reading only a starting point.
func (c *counter) restart() { c.last = nil }

// add adds the increments from the last reading to this one. If counting is false, the reading is only a
// starting point. The counters of a new peer started at zero.
func (c *counter) add(peers []Peer, counting bool) {
	now := make(map[string]Peer, len(peers))
	for _, p := range peers {
		now[p.Key] = p
		if !counting || c.last == nil {
			continue
		}
		n := increment(c.last[p.Key], p)
		if n == (tunstats.Counts{}) {
			continue
		}
		if c.counted == nil {
			c.counted = make(map[flowtrack.Tuple]tunstats.Counts, len(peers))
		}
		t := flowtrack.Tuple{Src: p.address(), Dst: p.Endpoint}
		c.counted[t] = c.counted[t].Add(n)
	}
	c.last = now
}

// extract returns the increments since the last extract.
func (c *counter) extract() map[flowtrack.Tuple]tunstats.Counts {
	counted := c.counted
	c.counted = nil
	return counted
}

// increment returns the bytes of a peer between two readings. If a counter has decreased, the peer was
// removed and added again, and its counters started at zero.
func increment(before, now Peer) tunstats.Counts {
	if now.Tx < before.Tx || now.Rx < before.Rx {
		before.Tx, before.Rx = 0, 0
	}
	return tunstats.Counts{TxBytes: now.Tx - before.Tx, RxBytes: now.Rx - before.Rx}
}
