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
	settleTime = 200 * time.Millisecond // after a change, since more usually follow
	peerPeriod = 5 * time.Second        // WireGuard does not report changes of its peers
)

// Follow calls apply with the [Routes] of an interface, and again after each change of its
// addresses, routes or peers, until ctx ends. The RouteConfig belongs to apply, which may be
// ReconfigRoutes of a Logger. A change of peers is found within five seconds. While there is no
// such interface, apply is not called.
//
// logf is called if the configuration cannot be read. It is not called if there is no such interface,
// or if the error is that of the last call. It may be nil.
//
// Follow blocks until ctx ends, and then returns nil. It returns an error if changes cannot be
// followed.
func Follow(ctx context.Context, name string, apply func(*netlog.RouteConfig), logf func(format string, args ...any)) error {
	changes, stop, err := watchChanges(ctx)
	if err != nil {
		return fmt.Errorf("netif: %s: following changes: %w", name, err)
	}
	defer stop()
	asker := newAsker()
	var last *netlog.RouteConfig
	var fault string
	for ctx.Err() == nil {
		cfg, wireguard, err := routes(asker, name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) && err.Error() != fault && logf != nil {
			fault = err.Error()
			logf("netif: %s: %v", name, err)
		}
		if cfg != nil && !sameRoutes(cfg, last) {
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
			wait(ctx, settleTime)
		}
	}
	return nil
}

// sameRoutes reports whether a and b have the same addresses and routes. One of them may be nil.
func sameRoutes(a, b *netlog.RouteConfig) bool {
	if a == nil || b == nil {
		return a == b
	}
	return slices.Equal(a.LocalAddrs, b.LocalAddrs) && slices.Equal(a.Routes, b.Routes)
}

// wait waits for d, or for the end of ctx.
func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
