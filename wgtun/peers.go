package wgtun

import (
	"context"

	"github.com/go-netlog/netlog/internal/wgpeer"
	"github.com/go-netlog/netlog/record"
)

// FollowPeers calls report when a peer of dev connects, moves to another endpoint or disconnects, and returns when ctx
// ends. report may add a Name to the Peer and pass it to WritePeer of a [netlog.Logger]. Peers that are connected at
// the beginning are reported too. After Close of dev, all peers disconnect.
//
// dev is asked every five seconds, as it does not report changes by itself. So FollowPeers keeps a processor from a
// long sleep, which costs power on a phone.
func FollowPeers(ctx context.Context, dev ConfigSource, report func(record.Peer)) {
	asker := newAsker()
	read := func() ([]wgpeer.Peer, error) {
		return asker.Ask(func() ([]wgpeer.Peer, error) { return readPeers(dev) })
	}
	wgpeer.Follow(ctx, read, func(error) bool { return false }, report)
}
