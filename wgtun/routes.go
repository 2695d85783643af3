package wgtun

import (
	"net/netip"
	"slices"

	"golang.zx2c4.com/wireguard/device"

	"github.com/go-netlog/netlog"
)

// Routes returns what the configuration of dev says about the VPN: Routes are the
// allowed IPs of all peers, sorted, and LocalAddrs is a copy of local, the addresses of
// the tunnel's interface as the daemon configures them (10.0.0.2/24). They are
// given by the caller because a device does not know them, and an interface may not
// have them yet.
//
// VirtualPrefixes is nil, which makes every allowed IP of one address a node and
// the rest subnets. SubnetRoutes is nil too: which subnets this node offers
// to others stands in the configuration of its peers, so the caller adds them.
//
// Call it again after each change of the peers and give the result to
// [netlog.Logger.ReconfigRoutes]: before a peer is added, after it has been removed.
// The error is [ErrBusy] where dev does not answer.
func Routes(dev *device.Device, local ...netip.Prefix) (*netlog.RouteConfig, error) {
	return routes(dev, local)
}

func routes(dev configSource, local []netip.Prefix) (*netlog.RouteConfig, error) {
	var allowed []netip.Prefix
	err := ask(dev, func(peers []peer, _ error) {
		for _, p := range peers {
			allowed = append(allowed, p.allowed...)
		}
	})
	if err != nil {
		return nil, err // and allowed is left to a late answer
	}
	slices.SortFunc(allowed, netip.Prefix.Compare)
	return &netlog.RouteConfig{LocalAddrs: slices.Clone(local), Routes: allowed}, nil
}
