package netif

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net/netip"
	"runtime"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/go-netlog/netlog"
)

var comparePrefixes = qt.CmpEquals(cmp.Comparer(func(x, y netip.Prefix) bool { return x == y }))

func prefixes(list ...string) (ps []netip.Prefix) {
	for _, s := range list {
		ps = append(ps, netip.MustParsePrefix(s))
	}
	return ps
}

// TestInterfaceThatCannotBeLookedUp checks that it is not taken for one that is absent, for which Follow would wait.
func TestInterfaceThatCannotBeLookedUp(t *testing.T) {
	var limit unix.Rlimit
	qt.Assert(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &limit), qt.IsNil)
	none := unix.Rlimit{Cur: 0, Max: limit.Max}
	qt.Assert(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &none), qt.IsNil)
	_, _, err := addressesAndRoutes("lo", true)
	qt.Assert(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &limit), qt.IsNil)
	qt.Check(t, errors.Is(err, unix.EMFILE), qt.IsTrue, qt.Commentf("%v", err))
	qt.Check(t, errors.Is(err, fs.ErrNotExist), qt.IsFalse, qt.Commentf("%v", err))
}

func TestRoutesOfAnInterfaceWithoutWireGuard(t *testing.T) {
	ownNamespace(t)
	c := qt.New(t)
	_, err := Routes("tun0")
	c.Check(errors.Is(err, fs.ErrNotExist), qt.IsTrue, qt.Commentf("%v", err))
	c.Check(err, qt.ErrorMatches, "netif: tun0: no such network interface")
	newTun(t, "tun0", false)
	newTun(t, "tun1", false)
	ip(t, "addr", "add", "10.8.0.6", "peer", "10.8.0.5/32", "dev", "tun0")
	ip(t, "route", "add", "192.168.7.0/24", "via", "10.8.0.5", "dev", "tun0")
	ip(t, "route", "add", "default", "dev", "tun0", "table", "52")
	ip(t, "route", "add", "203.0.113.0/24", "nexthop", "dev", "tun1", "nexthop", "dev", "tun0")
	ip(t, "route", "add", "10.4.0.0/16", "dev", "tun1")
	ip(t, "route", "add", "blackhole", "10.5.0.0/16")

	cfg, err := Routes("tun0")
	c.Assert(err, qt.IsNil)
	c.Check(cfg.LocalAddrs, comparePrefixes, prefixes("10.8.0.6/32", "10.99.0.1/24", "fd99::1/64"))
	c.Check(cfg.Routes, comparePrefixes, prefixes("0.0.0.0/0", "10.8.0.5/32", "10.99.0.0/24", "192.168.7.0/24", "203.0.113.0/24", "fd99::/64"))
	c.Check(cfg.SubnetRoutes, qt.IsNil)
	c.Check(cfg.VirtualPrefixes, qt.IsNil)
}

func TestFollowCallsApplyAfterEachChange(t *testing.T) {
	ownNamespace(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	d := newTun(t, "tun0", false)
	changes := []func(){
		func() { ip(t, "route", "add", "10.4.0.0/16", "dev", "tun0") },
		func() { ip(t, "addr", "add", "10.7.0.1/32", "dev", "tun0") },
		func() {
			d.Close() // the interface is gone and comes back
			d = newTun(t, "tun0", false)
		},
		cancel,
	}
	var got []netlog.RouteConfig
	err := Follow(ctx, "tun0", func(cfg *netlog.RouteConfig) {
		got = append(got, *cfg)
		if len(got) <= len(changes) {
			changes[len(got)-1]()
		}
	}, t.Logf)
	qt.Assert(t, err, qt.IsNil)
	addrs, routes := prefixes("10.99.0.1/24", "fd99::1/64"), prefixes("10.99.0.0/24", "fd99::/64")
	added := append(prefixes("10.4.0.0/16"), routes...)
	qt.Check(t, got, comparePrefixes, []netlog.RouteConfig{
		{LocalAddrs: addrs, Routes: routes},
		{LocalAddrs: addrs, Routes: added},
		{LocalAddrs: append(prefixes("10.7.0.1/32"), addrs...), Routes: added},
		{LocalAddrs: addrs, Routes: routes},
	})
}

func TestFollowLeavesNoGoroutine(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	apply := func(*netlog.RouteConfig) { cancel() }
	qt.Assert(t, Follow(ctx, "lo", apply, nil), qt.IsNil)
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	qt.Check(t, bytes.Contains(stacks, []byte("netif.watchChanges")), qt.IsFalse, qt.Commentf("%s", stacks))
}
