package netif

import (
	"errors"
	"io/fs"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/internal/wgpeer"
	"github.com/go-netlog/netlog/tunstats"
)

// Underlay returns a [netlog.Device] for the Underlay of a [netlog.Logger]. It reports the bytes
// that a WireGuard interface has sent and received on the encrypted transport, per peer. The source
// of a Tuple is the VPN address of the peer: its lowest allowed IP that is a single address, with
// port 0, or zero if it has none. The destination is its endpoint at the time of the extraction.
// There are no packet counts, and the protocol is 0. For other interfaces it reports nothing.
//
// The numbers come from the counters of WireGuard, which are read when counting is turned on or off
// and at each extraction. They include only configured peers, so not the junk sent to the port. If a
// peer is removed, the bytes since the last extraction are lost. If the counters cannot be read, the
// extraction returns nothing new, and the next one includes those bytes.
//
// An Underlay does not keep the Logger awake: while the tunnel is idle, the counters are not read, and
// the bytes of keepalives and handshakes are added to the next record.
//
// Like every Device, it serves one Logger. Its methods must not be called at the same time.
func Underlay(name string) netlog.Device {
	asker := newAsker()
	return &underlay{read: func() ([]wgpeer.Peer, error) { return wireguardPeers(asker, name) }}
}

// underlay converts the counters of an interface, which only grow, to the increments since the last
// reading.
type underlay struct {
	read     func() ([]wgpeer.Peer, error)
	counting bool
	bytes    wgpeer.Counter
}

// SetStatisticsEnabled implements [netlog.Device].
func (u *underlay) SetStatisticsEnabled(enable bool) {
	if u.counting == enable {
		return
	}
	if enable {
		u.bytes.Restart() // bytes since that earlier reading must not count
	}
	u.look() // the bytes until now count as before
	u.counting = enable
}

// ExtractStatistics implements [netlog.Device].
func (u *underlay) ExtractStatistics() map[flowtrack.Tuple]tunstats.Counts {
	if u.counting {
		u.look()
	}
	return u.bytes.Extract()
}

// look reads the counters and adds the increments since the last reading.
func (u *underlay) look() {
	peers, err := u.read()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return
	}
	u.bytes.Add(peers, u.counting) // no peers without the interface: those of the next one begin at zero
}
