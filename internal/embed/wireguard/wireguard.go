// Package wireguard has what wireguard-go, and each fork of it, adds for flow logs. main.diff is the change of the program.
//
// These programs do not configure themselves: others set the peers through a socket, and the addresses of the interface
// in the kernel. So the routes are read again after each conversation on the socket, and after each record. While the
// tunnel is idle, nothing is read.
package wireguard

import (
	"errors"
	"log"
	"net"
	"net/netip"
	"reflect"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/internal/embed/flows"
	"github.com/go-netlog/netlog/wgtun"
)

// Logs are the flow logs of one interface.
type Logs struct {
	name    string
	dev     wgtun.ConfigSource
	logger  netlog.Logger
	changed chan struct{} // holds a token after an Update that run has not seen
	closed  chan struct{}
	stop    func()
}

// Start begins to log what tun counts, which is the tun of dev, for the interface with the given name. The state is kept
// in dir.
func Start(dir, name string, tun netlog.Device, dev wgtun.ConfigSource) (*Logs, error) {
	l := &Logs{name: name, dev: dev, changed: make(chan struct{}, 1), closed: make(chan struct{})}
	l.logger.Underlay = wgtun.Underlay(dev)
	l.logger.OnRecord = func(*netlog.Message) { l.Update() }
	var err error
	if l.stop, err = flows.Start(dir, &l.logger, tun, nil); err != nil {
		return nil, err
	}
	go l.run()
	return l, nil
}

// Update reads the routes again, without waiting for it. Call it when the peers may have changed.
func (l *Logs) Update() {
	select {
	case l.changed <- struct{}{}:
	default: // run has not seen the last one
	}
}

// run sets the routes after each change, until Close. Only run reads them, so that the last ones read are the last ones
// set.
func (l *Logs) run() {
	var last *netlog.RouteConfig
	for {
		select {
		case <-l.closed:
			return
		case <-l.changed:
		}
		cfg, err := l.routes()
		switch {
		case errors.Is(err, wgtun.ErrBusy):
			l.Update()
		case err != nil:
			log.Printf("the flow logs keep their routes: %v", err)
		case !reflect.DeepEqual(cfg, last):
			l.logger.ReconfigRoutes(cfg)
			log.Printf("the flow logs know %d addresses and %d allowed IPs", len(cfg.LocalAddrs), len(cfg.Routes))
			last = cfg
		}
	}
}

func (l *Logs) routes() (*netlog.RouteConfig, error) {
	local, err := addresses(l.name)
	if err != nil {
		return nil, err
	}
	return wgtun.Routes(l.dev, local...)
}

// Close sends the last window. Call it before closing the device.
func (l *Logs) Close() {
	close(l.closed)
	l.stop()
}

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
