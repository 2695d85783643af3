// Package wireguard has what wireguard-go, and each fork of it, adds for flow logs. main.diff is the change of the program.
//
// These programs do not configure themselves: others set the peers through a socket, and the addresses of the interface
// through the kernel. So the routes of the flow logs follow both.
package wireguard

import (
	"context"
	"errors"
	"log"
	"net"
	"net/netip"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/internal/embed/flows"
	"github.com/go-netlog/netlog/netif"
	"github.com/go-netlog/netlog/wgtun"
)

// Logs are the flow logs of one interface.
type Logs struct {
	name    string
	dev     wgtun.ConfigSource
	logs    *flows.Logs
	changed chan struct{} // holds a token after an Update that run has not seen
	stop    context.CancelFunc
}

// Start begins to log what tun counts, which is the tun of dev, for the interface with the given name. The state is kept
// in dir.
func Start(dir, name string, tun netlog.Device, dev wgtun.ConfigSource) (*Logs, error) {
	logs, err := flows.Start(dir, tun, wgtun.Underlay(dev), nil)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	l := &Logs{name, dev, logs, make(chan struct{}, 1), stop}
	go l.run(ctx)
	go func() {
		if err := netif.Follow(ctx, name, func(*netlog.RouteConfig) { l.Update() }, nil); err != nil {
			log.Print(err)
		}
	}()
	return l, nil
}

// Update reads the routes again, without waiting for it. Call it when the peers may have changed.
func (l *Logs) Update() {
	select {
	case l.changed <- struct{}{}:
	default: // run has not seen the last one
	}
}

// run sets the routes after each change. Only run reads them, so that the last one read is the last one set.
func (l *Logs) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.changed:
		}
		cfg, err := l.routes()
		switch {
		case err == nil:
			l.logs.SetRoutes(cfg)
		case errors.Is(err, wgtun.ErrBusy):
			l.Update()
		default:
			log.Printf("the flow logs keep their routes: %v", err)
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
	l.stop()
	l.logs.Close()
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
