package netif

import (
	"errors"
	"io/fs"
	"net/netip"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/flowtrack"
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
	return &underlay{read: func() ([]peer, error) { return wireguardPeers(name) }}
}

// peer is a peer of a WireGuard interface.
type peer struct {
	key      [32]byte       // the public key, which identifies the peer
	endpoint netip.AddrPort // zero if it is unknown
	tx, rx   uint64         // bytes on the encrypted transport since the peer was added
	allowed  []netip.Prefix
}

// address returns the VPN address of the peer, with port 0: its lowest allowed IP that is a single
// address. It returns the zero AddrPort if there is none, as for a peer that is only a gateway.
func (p *peer) address() netip.AddrPort {
	var lowest netip.Addr
	for _, prefix := range p.allowed {
		if a := prefix.Addr(); prefix.IsSingleIP() && (!lowest.IsValid() || a.Less(lowest)) {
			lowest = a
		}
	}
	if !lowest.IsValid() {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(lowest, 0)
}

// underlay converts the counters of an interface, which only grow, to the increments since the last
// reading.
type underlay struct {
	read     func() ([]peer, error)
	counting bool
	last     map[[32]byte]peer // at the last reading; nil before the first reading after counting is turned on
	counted  map[flowtrack.Tuple]tunstats.Counts
}

// SetStatisticsEnabled implements [netlog.Device].
func (u *underlay) SetStatisticsEnabled(enable bool) {
	if u.counting == enable {
		return
	}
	if enable {
		u.last = nil // bytes since that earlier reading must not count
	}
	u.look() // the bytes until now count as before
	u.counting = enable
}

// ExtractStatistics implements [netlog.Device].
func (u *underlay) ExtractStatistics() map[flowtrack.Tuple]tunstats.Counts {
	if u.counting {
		u.look()
	}
	counted := u.counted
	u.counted = nil
	return counted
}

// look reads the counters and adds the increments since the last reading.
func (u *underlay) look() {
	peers, err := u.read()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return
	}
	now := make(map[[32]byte]peer, len(peers)) // without the interface empty: its next peers begin at zero
	for _, p := range peers {
		now[p.key] = p
		if u.counting && u.last != nil {
			u.add(&p)
		}
	}
	u.last = now
}

// add adds the increments of a peer since the last reading.
func (u *underlay) add(p *peer) {
	before := u.last[p.key]
	if p.tx < before.tx || p.rx < before.rx {
		before.tx, before.rx = 0, 0 // it was removed and added again
	}
	n := tunstats.Counts{TxBytes: p.tx - before.tx, RxBytes: p.rx - before.rx}
	if n == (tunstats.Counts{}) {
		return
	}
	if u.counted == nil {
		u.counted = make(map[flowtrack.Tuple]tunstats.Counts)
	}
	t := flowtrack.Tuple{Src: p.address(), Dst: p.endpoint}
	u.counted[t] = u.counted[t].Add(n)
}
