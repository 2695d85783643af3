package wgtun

import (
	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/internal/wgpeer"
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
	asker := newAsker()
	return wgpeer.NewUnderlay(func(use func([]wgpeer.Peer, error)) {
		asker.Ask(func() ([]wgpeer.Peer, error) {
			peers, err := readPeers(dev)
			use(peers, err) // a late answer counts too
			return nil, err
		})
	})
}
