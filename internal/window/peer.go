package window

import (
	"net/netip"

	"github.com/go-netlog/netlog/internal/encode"
	"github.com/go-netlog/netlog/record"
)

const (
	maxPeerKey  = 64  // bytes of Peer.PublicKey; base64 of a key takes 44
	maxPeerName = 256 // bytes of Peer.Name
)

// AppendPeer appends the members of an entry about p, without the braces. Zones are removed and
// texts are cut at their limits. The Endpoint is left out unless endpoints is set.
func AppendPeer(dst []byte, nodeID string, p record.Peer, endpoints bool) []byte {
	p.PublicKey = cut(p.PublicKey, maxPeerKey)
	p.Name = cut(p.Name, maxPeerName)
	p.State = record.PeerState(cut(string(p.State), maxPeerKey))
	p.Address = p.Address.WithZone("")
	p.Endpoint = netip.AddrPortFrom(p.Endpoint.Addr().WithZone(""), p.Endpoint.Port())
	if !endpoints || !p.Endpoint.IsValid() {
		p.Endpoint = netip.AddrPort{}
	}
	p.LastHandshake = wireTime(p.LastHandshake)
	return encode.AppendPeer(dst, cut(nodeID, maxNodeID), &p)
}
