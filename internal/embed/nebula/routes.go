package main

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/slackhq/nebula"
	"github.com/slackhq/nebula/config"

	"github.com/go-netlog/netlog"
)

// routes returns whose addresses are whose: the networks of this node from its device, the subnets behind it from its
// certificate, and those behind others from the configuration.
func routes(c *config.C, control *nebula.Control) (*netlog.RouteConfig, error) {
	cfg := &netlog.RouteConfig{LocalAddrs: control.Device().Networks()}
	for _, network := range cfg.LocalAddrs {
		cfg.Routes = append(cfg.Routes, network.Masked())
	}
	cfg.VirtualPrefixes = slices.Clone(cfg.Routes) // all nodes are in these networks, and nothing else is
	if crt := control.GetCertByVpnIp(cfg.LocalAddrs[0].Addr()); crt != nil {
		cfg.SubnetRoutes = crt.UnsafeNetworks()
	}
	list, _ := c.Get("tun.unsafe_routes").([]any) // Nebula has checked its form
	for i, entry := range list {
		fields, _ := entry.(map[string]any)
		prefix, err := netip.ParsePrefix(fmt.Sprint(fields["route"]))
		if err != nil {
			return nil, fmt.Errorf("tun.unsafe_routes: entry %d: route: %w", i+1, err)
		}
		cfg.Routes = append(cfg.Routes, prefix)
	}
	return cfg, nil
}
