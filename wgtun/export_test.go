package wgtun

import (
	"net/netip"

	"github.com/go-netlog/netlog"
)

// These names let the tests replace a *device.Device by a scripted one.

type ConfigSource = configSource

const AskTimeout = askTimeout

func UnderlayOf(dev ConfigSource) netlog.Device { return &underlay{dev: dev} }

func RoutesOf(dev ConfigSource, local ...netip.Prefix) (*netlog.RouteConfig, error) {
	return routes(dev, local)
}
