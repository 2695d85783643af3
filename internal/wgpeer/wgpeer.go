// Package wgpeer turns what WireGuard tells about its peers into counts of the encrypted transport and into
// sessions.
package wgpeer

import (
	"net/netip"
	"time"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/tunstats"
)

// Peer is a peer in the configuration of an interface.
type Peer struct {
	Key           string         // the public key in base64, which identifies the peer
	Endpoint      netip.AddrPort // zero if it is unknown, or not an address and port
	Tx, Rx        uint64         // bytes on the encrypted transport since the peer was added
	LastHandshake time.Time      // zero if there was none
	Allowed       []netip.Prefix
}

// SetEndpoint sets the Endpoint without a zone, which names an interface of this machine and means nothing
// to the reader of a record.
func (p *Peer) SetEndpoint(ap netip.AddrPort) {
	p.Endpoint = netip.AddrPortFrom(ap.Addr().Unmap().WithZone(""), ap.Port())
}

// address returns the VPN address of the peer, with port 0: its lowest allowed IP that is a single address.
// It returns the zero AddrPort if there is none, as for a peer that is only a gateway.
func (p *Peer) address() netip.AddrPort {
	var lowest netip.Addr
	for _, prefix := range p.Allowed {
		if a := prefix.Addr(); prefix.IsSingleIP() && (!lowest.IsValid() || a.Less(lowest)) {
			lowest = a
		}
	}
	if !lowest.IsValid() {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(lowest, 0)
}

// Counter converts the counters of peers, which only grow, to increments. The zero Counter is ready to
// use. It is not safe for concurrent use.
type Counter struct {
	last    map[string]Peer // by key, at the last reading; nil before the first
	counted map[flowtrack.Tuple]tunstats.Counts
}

// Restart makes the next reading only a starting point.
func (c *Counter) Restart() { c.last = nil }

// Add adds the increments since the last reading, of which peers is the next. If counting is false, it is
// only a starting point. A peer that is new was added with its counters at zero.
func (c *Counter) Add(peers []Peer, counting bool) {
	now := make(map[string]Peer, len(peers))
	for _, p := range peers {
		now[p.Key] = p
		if !counting || c.last == nil {
			continue
		}
		n := moved(c.last[p.Key], p)
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

// Extract returns the increments since the last Extract, by VPN address and endpoint. The caller owns the
// map, which is nil if there were none.
func (c *Counter) Extract() map[flowtrack.Tuple]tunstats.Counts {
	counted := c.counted
	c.counted = nil
	return counted
}

// moved returns the increments of a peer between two readings. If a counter has decreased, the peer was
// removed and added again, and its counters started at zero.
func moved(before, now Peer) tunstats.Counts {
	if now.Tx < before.Tx || now.Rx < before.Rx {
		before.Tx, before.Rx = 0, 0
	}
	return tunstats.Counts{TxBytes: now.Tx - before.Tx, RxBytes: now.Rx - before.Rx}
}
