package netif

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/go-netlog/netlog/internal/wgpeer"
	"github.com/go-netlog/netlog/record"
)

// FollowPeers calls report when a peer of a WireGuard interface connects, moves to another endpoint or
// disconnects, until ctx ends. report may add a Name to the Peer and pass it to WritePeer of a
// Logger. Peers that are connected at the beginning are reported too. When the interface is removed, all
// its peers disconnect. Nothing is reported for other interfaces.
//
// WireGuard is asked every five seconds, as it does not report changes by itself.
//
// FollowPeers blocks until ctx ends, and then returns nil. It returns an error that wraps
// fs.ErrPermission if the peers may not be read.
func FollowPeers(ctx context.Context, name string, report func(record.Peer)) error {
	asker := newAsker()
	read := func() ([]wgpeer.Peer, error) { return currentPeers(asker, name) }
	permanent := func(err error) bool {
		return errors.Is(err, fs.ErrPermission) || errors.Is(err, errors.ErrUnsupported)
	}
	if err := wgpeer.Follow(ctx, read, permanent, report); err != nil {
		return fmt.Errorf("netif: %s: following peers: %w", name, err)
	}
	return nil
}
