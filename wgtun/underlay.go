package wgtun

import (
	"sync"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/internal/wgpeer"
	"github.com/go-netlog/netlog/tunstats"
)

// Underlay returns a [netlog.Device] for the Underlay of a [netlog.Logger]. It reports the bytes that dev has sent
// and received on the encrypted transport, per peer. The source of a Tuple is the VPN address of the peer: its
// lowest allowed IP that is a single address, with port 0, or zero if it has none. The destination is its endpoint
// at the time of the extraction. There are no packet counts, and the protocol is 0.
//
// The numbers come from the counters of dev. They are read when counting is turned on or off and at each
// extraction, never on the path of a packet. They include only configured peers, so not the junk sent to the port.
// If a peer is removed, the bytes since the last extraction are lost.
//
// An Underlay does not keep the Logger awake: while the tunnel is idle, the counters are not read, and the bytes of
// keepalives and handshakes are added to the next record.
//
// If dev does not answer within a second, because it is going up or down, an extraction returns without its
// numbers and the next one catches up. The same holds if its answer cannot be read, for which [Routes] returns an
// error. After Close there is nothing to report. The Device is safe for concurrent use.
//
// dev may also be the device of a fork of wireguard-go.
func Underlay(dev ConfigSource) netlog.Device {
	return &underlay{dev: dev}
}

// underlay converts the counters of the device, which only grow, to the increments since the last reading.
type underlay struct {
	dev ConfigSource

	mu       sync.Mutex // guards the fields below; never held while waiting for dev
	asking   bool       // a query of dev is in progress
	counting bool
	bytes    wgpeer.Counter
}

// SetStatisticsEnabled implements [netlog.Device].
func (u *underlay) SetStatisticsEnabled(enable bool) {
	u.mu.Lock()
	same := u.counting == enable
	if enable && !same {
		u.bytes.Restart() // bytes since that earlier reading must not count
	}
	u.mu.Unlock()
	if same {
		return
	}
	u.look() // the bytes until now count as before
	u.mu.Lock()
	u.counting = enable
	u.mu.Unlock()
}

// ExtractStatistics implements [netlog.Device].
func (u *underlay) ExtractStatistics() map[flowtrack.Tuple]tunstats.Counts {
	u.mu.Lock()
	counting := u.counting
	u.mu.Unlock()
	if counting {
		u.look()
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.bytes.Extract()
}

// look reads the counters of the device and adds the increments, waiting at most askTimeout. There is only one
// query at a time, so answers are added in order. A late answer is added when it arrives.
func (u *underlay) look() {
	u.mu.Lock()
	busy := u.asking
	u.asking = true
	u.mu.Unlock()
	if busy {
		return
	}
	ask(u.dev, func(peers []wgpeer.Peer, err error) {
		u.mu.Lock()
		defer u.mu.Unlock()
		u.asking = false
		if err == nil {
			u.bytes.Add(peers, u.counting)
		}
	})
}
