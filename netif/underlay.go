package netif

import (
	"errors"
	"io/fs"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/internal/wgpeer"
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
	return wgpeer.NewUnderlay(func(use func([]wgpeer.Peer, error)) { use(currentPeers(asker, name)) })
}

// currentPeers returns the peers of an interface: none if there is no such interface, or if it does not belong to
// WireGuard. If the interface is created again, the counters of its peers start at zero.
func currentPeers(asker *wgpeer.Asker, name string) ([]wgpeer.Peer, error) {
	peers, err := wireguardPeers(asker, name)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return peers, err
}
