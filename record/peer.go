package record

import (
	"net/netip"
	"time"
)

// EventPeer is the Event of an Entry whose Peer says what happened to a peer.
const EventPeer = "peer"

// PeerState says what happened to a peer of WireGuard.
type PeerState string

// The states of a peer. A later version may add more.
const (
	PeerConnected    PeerState = "connected"    // a handshake, after none for 3 minutes
	PeerMoved        PeerState = "moved"        // another endpoint, while connected; at most one a minute
	PeerDisconnected PeerState = "disconnected" // no handshake for 3 minutes, or removed
)

// Peer describes a peer of a WireGuard interface when its state has changed. WireGuard has no
// connections: a peer without traffic and keepalives counts as disconnected after 3 minutes, when
// its keys expire.
//
// If a node starts while a peer is connected, it reports the peer as connected again.
type Peer struct {
	PublicKey     string         `json:"publicKey,omitzero"` // in base64, as wg shows it
	Name          string         `json:"name,omitzero"`      // for people; at most 256 bytes are written
	Address       netip.Addr     `json:"address,omitzero"`   // in the VPN: the lowest allowed IP that is a single address
	Endpoint      netip.AddrPort `json:"endpoint,omitzero"`  // where its packets come from, unless that is hidden
	State         PeerState      `json:"state,omitzero"`
	LastHandshake time.Time      `json:"lastHandshake,omitzero"` // by the clock of the node
}
