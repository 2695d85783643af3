//go:build !linux

package netif

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"runtime"

	"github.com/go-netlog/netlog/internal/wgpeer"
	"github.com/go-netlog/netlog/tunstats"
)

var errSystem = fmt.Errorf("only on Linux, not on %s: %w", runtime.GOOS, errors.ErrUnsupported)

// tap does not exist on this system.
type tap struct{}

func openTap(name string, _ Options, _ *tunstats.Meter) (*tap, error) {
	return nil, fmt.Errorf("netif: %s: %w", name, errSystem)
}

func (*tap) setEnabled(bool)     {}
func (*tap) currentName() string { return "" }
func (*tap) lostPackets() uint64 { return 0 }
func (*tap) close() error        { return nil }

func wireguardPeers(*wgpeer.Asker, string) ([]wgpeer.Peer, error) { return nil, errSystem }

func addressesAndRoutes(string, bool) (addrs, routes []netip.Prefix, err error) {
	return nil, nil, errSystem
}

func watchChanges(context.Context) (changed <-chan struct{}, stop func(), err error) {
	return nil, nil, errSystem
}
