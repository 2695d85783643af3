package wgtun

import (
	"net/netip"

	"github.com/go-netlog/netlog"
)

// What the tests need to put a scripted device in the place of a *device.Device.

type ConfigSource = configSource

const AskTimeout = askTimeout

func UnderlayOf(dev ConfigSource) netlog.Device { return &underlay{dev: dev} }

func RoutesOf(dev ConfigSource, local ...netip.Prefix) (*netlog.RouteConfig, error) {
	return routes(dev, local)
}
