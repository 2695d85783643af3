// Package wireguard has what wireguard-go, and each fork of it, adds for flow logs. main.diff is the change of the program.
//
// These programs do not configure themselves: others set the peers through a socket, and the addresses of the interface
// in the kernel. So the routes are read again after each conversation on the socket, and after each record. While the
// tunnel is idle, nothing is read.
package wireguard

import (
	"fmt"
	"log"
	"net"
	"net/netip"
	"sync/atomic"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/internal/embed/flows"
	"github.com/go-netlog/netlog/wgtun"
)

// Logs are the flow logs of one interface.
type Logs struct {
	name   string
	dev    wgtun.ConfigSource
	logger netlog.Logger
	stop   func()
	known  atomic.Value // the routes of the last Update, as a string
}

// Start begins to log what tun counts, which is the tun of dev, for the interface with the given name. The state is kept
// in dir.
func Start(dir, name string, tun netlog.Device, dev wgtun.ConfigSource) (*Logs, error) {
	l := &Logs{name: name, dev: dev}
	l.logger.Underlay = wgtun.Underlay(dev)
	l.logger.OnRecord = func(*netlog.Message) { l.Update() }
	var err error
	l.stop, err = flows.Start(dir, &l.logger, tun, nil)
	return l, err
}

// Update reads the routes again, which takes a second at most. Call it when the peers may have changed. If it fails, or
// overtakes another Update, the one after the next record corrects that.
func (l *Logs) Update() {
	local, err := addresses(l.name)
	if err != nil {
		log.Printf("the flow logs keep their routes: %v", err)
		return
	}
	cfg, err := wgtun.Routes(l.dev, local...)
	if err != nil {
		log.Printf("the flow logs keep their routes: %v", err)
		return
	}
	l.logger.ReconfigRoutes(cfg)
	if now := fmt.Sprint(*cfg); l.known.Swap(now) != now {
		log.Printf("the flow logs know %d addresses and %d allowed IPs", len(cfg.LocalAddrs), len(cfg.Routes))
	}
}

// Close sends the last window. Call it before closing the device.
func (l *Logs) Close() { l.stop() }

// addresses returns the addresses of an interface with their networks.
func addresses(name string) (all []netip.Prefix, err error) {
	ifc, err := net.InterfaceByName(name)
	if err != nil {
		return nil, err
	}
	list, err := ifc.Addrs()
	if err != nil {
		return nil, err
	}
	for _, a := range list {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil {
			all = append(all, prefix)
		}
	}
	return all, nil
}
