package wgtun

import (
	"net/netip"
	"slices"

	"golang.zx2c4.com/wireguard/device"

	"github.com/go-netlog/netlog"
)

// Routes returns a RouteConfig from the configuration of dev. Routes are the allowed IPs of all peers, sorted.
// LocalAddrs is a copy of local, the addresses of the tunnel interface as the daemon configures them, such as
// 10.0.0.2/24. The caller provides them because a device does not know them.
//
// VirtualPrefixes is nil, so every allowed IP that is a single address is a node, and the others are subnets.
// SubnetRoutes is nil too. The caller must add the subnets that this node offers to others, since only the
// configuration of its peers contains them.
//
// After each change of the peers, call Routes again and pass the result to [netlog.Logger.ReconfigRoutes]:
// before a peer is added, and after a peer is removed. The error is [ErrBusy] if dev does not answer.
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
		return nil, err // allowed may still be written by a late answer
	}
	slices.SortFunc(allowed, netip.Prefix.Compare)
	return &netlog.RouteConfig{LocalAddrs: slices.Clone(local), Routes: allowed}, nil
}
