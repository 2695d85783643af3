package embed

import (
	amneziawg "github.com/amnezia-vpn/amneziawg-go/device"
	tailscale "github.com/tailscale/wireguard-go/device"
	"golang.zx2c4.com/wireguard/device"

	"github.com/go-netlog/netlog/wgtun"
)

// wgtun.Routes and wgtun.Underlay take the devices of wireguard-go and of its forks.
var (
	_ wgtun.ConfigSource = (*device.Device)(nil)
	_ wgtun.ConfigSource = (*amneziawg.Device)(nil)
	_ wgtun.ConfigSource = (*tailscale.Device)(nil)
)
