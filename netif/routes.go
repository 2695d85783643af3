package netif

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"slices"
	"time"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/internal/wgpeer"
)

// errBusy is returned if a process like wireguard-go does not answer.
var errBusy = errors.New("the process of WireGuard does not answer")

// newAsker returns an Asker for the processes of WireGuard. The kernel answers at once.
func newAsker() *wgpeer.Asker { return wgpeer.NewAsker(2*time.Second, errBusy) }

// Routes returns a RouteConfig for an interface. LocalAddrs are its addresses with their networks.
// If it is a WireGuard interface, of the kernel or of a process like wireguard-go, Routes are the
// allowed IPs of all its peers, otherwise the destinations of the routes to it. The caller must
// add SubnetRoutes, the subnets that this node offers to others, which no configuration of the
// interface contains.
//
// If the configuration of WireGuard may not be read, Routes returns the RouteConfig from the
// routes of the interface, together with an error that wraps fs.ErrPermission and says what is
// missing. If there is no such interface, the error wraps fs.ErrNotExist. If WireGuard is a process
// that hangs, Routes returns an error after two seconds, and a goroutine waits on.
//
// Routes, like Follow, FollowPeers and the Device of Underlay, looks for the interface in the network
// namespace of the calling thread. A Logger calls a Device from a goroutine of its own.
func Routes(name string) (*netlog.RouteConfig, error) {
	cfg, _, err := routes(newAsker(), name)
	if err != nil {
		err = fmt.Errorf("netif: %s: %w", name, err)
	}
	return cfg, err
}

// routes is like Routes and also reports whether the interface belongs to WireGuard.
func routes(asker *wgpeer.Asker, name string) (cfg *netlog.RouteConfig, wireguard bool, err error) {
	peers, denied := wireguardPeers(asker, name)
	if errors.Is(denied, fs.ErrNotExist) {
		denied = nil
	} else if denied == nil {
		wireguard = true
	} else if !errors.Is(denied, fs.ErrPermission) {
		return nil, false, denied
	}
	addrs, to, err := addressesAndRoutes(name, !wireguard)
	if err != nil {
		return nil, false, err
	}
	for _, p := range peers {
		to = append(to, p.Allowed...)
	}
	return &netlog.RouteConfig{LocalAddrs: sorted(addrs), Routes: sorted(to)}, wireguard, denied
}

func sorted(list []netip.Prefix) []netip.Prefix {
	slices.SortFunc(list, netip.Prefix.Compare)
	return slices.Compact(list)
}
