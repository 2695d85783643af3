package wgtun

import (
	"sync"

	"golang.zx2c4.com/wireguard/device"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/tunstats"
)

// Underlay returns a [netlog.Device] for the Underlay of a [netlog.Logger]: the
// bytes that dev has sent and received on the encrypted transport, per peer. The
// source of a Tuple is the peer's VPN address (its lowest allowed IP of a single
// address, port 0; zero where it has none) and the destination its endpoint at the
// time of the extraction. There are no packet counts, and the protocol is 0.
//
// The numbers are the device's own, read when counting is turned on or off and at each
// extraction, never on the path of a packet. Only configured peers are in them, so
// junk sent to the port is not. A peer that is removed takes what it moved since
// the last extraction with it.
//
// A dev that does not answer within a second, because it is going up or down or is
// called back from there, is left alone: the extraction returns without it and
// the next one catches up. After Close there is nothing to report.
// It is safe for concurrent use.
func Underlay(dev *device.Device) netlog.Device {
	return &underlay{dev: dev}
}

// underlay turns the device's counters, which only grow, into what was added since
// the last look.
type underlay struct {
	dev configSource

	mu       sync.Mutex // guards the fields below, never held while dev is asked
	asking   bool       // a question to dev is on its way
	counting bool
	last     map[string]peer // by key, at the last look; nil: none since counting was turned on
	counted  map[flowtrack.Tuple]tunstats.Counts
}

// SetStatisticsEnabled implements [netlog.Device].
func (u *underlay) SetStatisticsEnabled(enable bool) {
	u.mu.Lock()
	same := u.counting == enable
	if enable && !same {
		u.last = nil // it is of an earlier time, and what was moved since must not count
	}
	u.mu.Unlock()
	if same {
		return
	}
	u.look() // the bytes until now count, or do not, as before
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

// look asks the device for its counters and adds what is new, waiting at most
// askTimeout. There is one question at a time, so answers are added in the
// order in which they were given; a late one is added when it comes.
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

// addLocked adds what peers moved since the last look.
func (u *underlay) addLocked(peers []peer) {
	now := make(map[string]peer, len(peers))
	for _, p := range peers {
		now[p.key] = p
		if !u.counting || u.last == nil {
			continue // only a point to measure from
		}
		// A peer that is not in last was added after it, with counters at zero.
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

// moved returns what a peer moved between two looks. Counters that went back are
// those of a peer that was removed and added again, and started from zero.
func moved(before, now peer) tunstats.Counts {
	if now.tx < before.tx || now.rx < before.rx {
		before.tx, before.rx = 0, 0
	}
	return tunstats.Counts{TxBytes: now.tx - before.tx, RxBytes: now.rx - before.rx}
}
