package wgtun

import (
	"sync"

	"golang.zx2c4.com/wireguard/device"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/flowtrack"
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
// numbers and the next one catches up. After Close there is nothing to report. The Device is safe for concurrent
// use.
func Underlay(dev *device.Device) netlog.Device {
	return &underlay{dev: dev}
}

// underlay converts the counters of the device, which only grow, to the increments since the last reading.
type underlay struct {
	dev configSource

	mu       sync.Mutex // guards the fields below; never held while waiting for dev
	asking   bool       // a query of dev is in progress
	counting bool
	last     map[string]peer // by key, at the last reading; nil before the first reading after counting is turned on
	counted  map[flowtrack.Tuple]tunstats.Counts
}

// SetStatisticsEnabled implements [netlog.Device].
func (u *underlay) SetStatisticsEnabled(enable bool) {
	u.mu.Lock()
	same := u.counting == enable
	if enable && !same {
		u.last = nil // bytes since that earlier reading must not count
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
	counted := u.counted
	u.counted = nil
	return counted
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
	ask(u.dev, func(peers []peer, err error) {
		u.mu.Lock()
		defer u.mu.Unlock()
		u.asking = false
		if err == nil {
			u.addLocked(peers)
		}
	})
}

// addLocked adds the increments of peers since the last reading.
func (u *underlay) addLocked(peers []peer) {
	now := make(map[string]peer, len(peers))
	for _, p := range peers {
		now[p.key] = p
		if !u.counting || u.last == nil {
			continue // the first reading is only a starting point
		}
		// A peer that is not in last was added later, with its counters at zero.
		n := moved(u.last[p.key], p)
		if n == (tunstats.Counts{}) {
			continue
		}
		if u.counted == nil {
			u.counted = make(map[flowtrack.Tuple]tunstats.Counts, len(peers))
		}
		t := flowtrack.Tuple{Src: p.address(), Dst: p.endpoint}
		u.counted[t] = u.counted[t].Add(n)
	}
	u.last = now
}

// moved returns the increments of a peer between two readings. If a counter has decreased, the peer was removed
// and added again, and its counters started at zero.
func moved(before, now peer) tunstats.Counts {
	if now.tx < before.tx || now.rx < before.rx {
		before.tx, before.rx = 0, 0
	}
	return tunstats.Counts{TxBytes: now.tx - before.tx, RxBytes: now.rx - before.rx}
}
