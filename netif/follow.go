package netif

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/go-netlog/netlog"
)

const (
	settleTime = 200 * time.Millisecond // changes come in groups
	peerPeriod = 5 * time.Second        // WireGuard does not report changes of its peers
)

// Follow calls apply with the [Routes] of an interface, and again after each change of its
// addresses, routes or peers, until ctx ends. The RouteConfig belongs to apply, which may be
// ReconfigRoutes of a Logger. A change of peers may take five seconds to be seen. While there is
// no such interface, apply is not called: the last routes stay in force.
//
// logf is called if the configuration cannot be read, unless there is no such interface, or the
// error is the same as in the last call. It may be nil.
//
// Follow blocks until ctx ends, and then returns nil. It returns an error if changes cannot be
// followed.
func Follow(ctx context.Context, name string, apply func(*netlog.RouteConfig), logf func(format string, args ...any)) error {
	changes, err := watchChanges(ctx)
	if err != nil {
		return fmt.Errorf("netif: %s: following changes: %w", name, err)
	}
	asker := newAsker()
	var last *netlog.RouteConfig
	var fault string
	for ctx.Err() == nil {
		cfg, wireguard, err := routes(asker, name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) && err.Error() != fault && logf != nil {
			fault = err.Error()
			logf("netif: %s: %v", name, err)
		}
		if cfg != nil && (last == nil || !slices.Equal(cfg.LocalAddrs, last.LocalAddrs) || !slices.Equal(cfg.Routes, last.Routes)) {
			last = &netlog.RouteConfig{LocalAddrs: slices.Clone(cfg.LocalAddrs), Routes: slices.Clone(cfg.Routes)}
			apply(cfg)
		}
		var poll <-chan time.Time
		if wireguard || cfg == nil && !errors.Is(err, fs.ErrNotExist) { // it may answer next time
			poll = time.After(peerPeriod)
		}
		select {
		case <-ctx.Done():
		case <-poll:
		case <-changes:
			select {
			case <-ctx.Done():
			case <-time.After(settleTime):
			}
		}
	}
	return nil
}
