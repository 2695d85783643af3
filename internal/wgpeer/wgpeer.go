// Package wgpeer counts the bytes of WireGuard peers on the encrypted transport, and finds when they connect,
// move and disconnect. Both come from repeated readings of the configuration of an interface.
package wgpeer

import (
	"net/netip"
	"time"
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
