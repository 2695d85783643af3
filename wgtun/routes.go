package wgtun

import (
	"net/netip"
	"slices"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/internal/wgpeer"
)

// Routes returns a RouteConfig from the configuration of dev. Routes are the allowed IPs of all peers, sorted. A closed
// device has none. LocalAddrs is a copy of local, the addresses of the tunnel interface as the daemon configures them,
// such as 10.0.0.2/24. The caller provides them because a device does not know them.
//
// VirtualPrefixes is nil, so the rules of [netlog.RouteConfig] apply: in particular, allowed IPs that are single
// addresses are nodes. SubnetRoutes is nil too. The caller must add the subnets that this node offers to others,
// since only the configuration of its peers contains them.
//
// When peers change, call Routes again and pass the result to [netlog.Logger.ReconfigRoutes]. Before adding a peer,
// append its allowed IPs to the Routes field, because dev does not know them yet. After removing a peer, pass the
// result as it is.
//
// dev may also be the device of a fork of wireguard-go. The error is [ErrBusy] if dev does not answer within a second.
// If its answer has a wrong value, or more than 65,536 peers or 262,144 allowed IPs, the error names the field.
func Routes(dev ConfigSource, local ...netip.Prefix) (*netlog.RouteConfig, error) {
	peers, err := newAsker().Ask(func() ([]wgpeer.Peer, error) { return readPeers(dev) })
	if err != nil {
		return nil, err
	}
	var allowed []netip.Prefix
	for _, p := range peers {
		allowed = append(allowed, p.Allowed...)
	}
	slices.SortFunc(allowed, netip.Prefix.Compare)
	return &netlog.RouteConfig{LocalAddrs: slices.Clone(local), Routes: allowed}, nil
}
