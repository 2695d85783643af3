package wgpeer

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"time"

	"github.com/go-netlog/netlog/record"
)

const (
	// keyLife is how long a peer counts as connected after a handshake: REJECT_AFTER_TIME in section
	// 6.1 of the WireGuard paper, when the keys expire.
	keyLife = 3 * time.Minute

	// movePeriod is the least time between two moves of a peer. If two machines use one key, the endpoint
	// changes with each of their packets.
	movePeriod = time.Minute

	followPeriod = 5 * time.Second // WireGuard does not report changes of its peers
)

// sessions finds when peers connect, move and disconnect. The zero value is ready to use.
type sessions struct {
	peers map[string]session // by key, at the last reading
	last  time.Time          // of the last reading
}

// session is the state of a peer.
type session struct {
	record.Peer
	handshake time.Time // of the last handshake, by the monotonic clock
	connected bool
	reported  netip.AddrPort // the endpoint in the last event
	moved     time.Time      // when a move was reported last; zero: not since it connected
}

// update returns the events since the last reading, sorted by key. A further move of a peer is reported when a
// minute has passed since the last one, if the peer still has another endpoint then.
func (s *sessions) update(peers []Peer, now time.Time) (events []record.Peer) {
	current := make(map[string]session, len(peers))
	for i := range peers {
		p := &peers[i]
		old := s.peers[p.Key]
		n := s.session(p, old, now)
		switch {
		case n.connected && !old.connected:
			events = append(events, n.in(record.PeerConnected))
			n.reported, n.moved = n.Endpoint, time.Time{}
		case !n.connected && old.connected:
			events = append(events, n.in(record.PeerDisconnected))
		case n.connected && n.Endpoint != n.reported && n.Endpoint.IsValid() && now.Sub(n.moved) >= movePeriod:
			events = append(events, n.in(record.PeerMoved))
			n.reported, n.moved = n.Endpoint, now
		}
		current[p.Key] = n
	}
	for key, old := range s.peers {
		if _, ok := current[key]; !ok && old.connected { // removed
			events = append(events, old.in(record.PeerDisconnected))
		}
	}
	s.peers, s.last = current, now
	slices.SortStableFunc(events, func(a, b record.Peer) int { return cmp.Compare(a.PublicKey, b.PublicKey) })
	return events
}

// session returns the session of p after old, which may be zero.
func (s *sessions) session(p *Peer, old session, now time.Time) session {
	n := old
	n.Peer = record.Peer{PublicKey: p.Key, Address: p.address().Addr(), Endpoint: p.Endpoint, LastHandshake: p.LastHandshake}
	n.connected = false
	if p.LastHandshake.IsZero() {
		return n
	}
	if !p.LastHandshake.Equal(old.LastHandshake) {
		// The clock may have been set since the handshake. But if the peer was known, the handshake
		// was after the last reading.
		age := max(0, now.Sub(p.LastHandshake))
		if old.PublicKey != "" {
			age = min(age, now.Sub(s.last))
		}
		n.handshake = now.Add(-age)
	}
	n.connected = now.Sub(n.handshake) < keyLife
	return n
}

// in returns the Peer of s in the given state.
func (s session) in(state record.PeerState) record.Peer {
	s.State = state
	return s.Peer
}

// Follow reads the peers of an interface every five seconds until ctx ends, and reports what happens to
// them. A reading that fails is skipped, unless permanent reports that further ones will fail too: then
// Follow returns the error.
func Follow(ctx context.Context, read func() ([]Peer, error), permanent func(error) bool, report func(record.Peer)) error {
	var s sessions
	tick := time.NewTicker(followPeriod)
	defer tick.Stop()
	for ctx.Err() == nil {
		peers, err := read()
		if err == nil {
			for _, p := range s.update(peers, time.Now()) {
				report(p)
			}
		} else if permanent(err) {
			return err
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
	return nil
}
