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

func unsupported(name string) error {
	return fmt.Errorf("netif: %s: only on Linux, not on %s: %w", name, runtime.GOOS, errors.ErrUnsupported)
}

// tap does not exist on this system.
type tap struct{}

func openTap(name string, _ Options, _ *tunstats.Meter) (*tap, error) { return nil, unsupported(name) }

func (*tap) setEnabled(bool)     {}
func (*tap) currentName() string { return "" }
func (*tap) lostPackets() uint64 { return 0 }
func (*tap) close() error        { return nil }

func wireguardPeers(name string) ([]wgpeer.Peer, error) { return nil, unsupported(name) }

func addressesAndRoutes(name string, _ bool) (addrs, routes []netip.Prefix, err error) {
	return nil, nil, unsupported(name)
}

func watchChanges(context.Context) (<-chan struct{}, error) { return nil, errors.ErrUnsupported }
