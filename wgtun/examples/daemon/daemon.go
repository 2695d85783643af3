package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"path/filepath"
	"time"

	"golang.zx2c4.com/wireguard/conn"
	"golang.zx2c4.com/wireguard/device"
	"golang.zx2c4.com/wireguard/tun"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/logtail/spool"
	"github.com/go-netlog/netlog/wgtun"
)

const defaultPatience = 10 * time.Second // shorter than the timeout of service managers

// daemon is a WireGuard device and its flow logs.
type daemon struct {
	cfg    config
	filter *filter
	tun    *wgtun.Device
	dev    *device.Device
	id     logtail.PublicID
	spool  *spool.Spool
	logger *netlog.Logger

	patience time.Duration // timeout of the last upload; the spool keeps the rest
}

// newDaemon starts a daemon over inner. The daemon closes inner at its end, and newDaemon if it fails.
func newDaemon(cfg config, inner tun.Device, bind conn.Bind) (*daemon, error) {
	d := &daemon{cfg: cfg, filter: newFilter(inner, cfg.DenyPorts), patience: defaultPatience}
	d.tun = wgtun.Wrap(d.filter)
	d.dev = device.NewDevice(d.tun, bind, device.NewLogger(device.LogLevelError, cfg.Interface+": "))
	err := d.dev.IpcSet(fmt.Sprintf("private_key=%s\nlisten_port=%d\n", cfg.PrivateKey.hex(), cfg.ListenPort))
	if err == nil {
		err = d.dev.IpcSet(cfg.change(config{}))
	}
	if err == nil {
		err = d.startLogger()
	}
	if err == nil {
		err = d.dev.Up()
	}
	if err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

// startLogger starts the flow logs, which stay on disk until the collector has accepted them.
func (d *daemon) startLogger() error {
	id, err := logtail.LoadOrCreatePrivateID(filepath.Join(d.cfg.StateDir, "flows.id"))
	if err != nil {
		return err
	}
	token, err := d.cfg.token()
	if err != nil {
		return err
	}
	d.id = id.Public()
	d.spool, err = spool.Open(filepath.Join(d.cfg.StateDir, "flows"), d.id, spool.Options{})
	if err != nil {
		return err
	}
	upload := logtail.Config{BaseURL: d.cfg.Collector, Buffer: d.spool}
	if token != "" {
		upload.Header = http.Header{"Authorization": {"Bearer " + token}}
	}
	routes, err := d.routes()
	if err != nil {
		return err
	}
	d.logger = &netlog.Logger{Upload: upload, Underlay: wgtun.Underlay(d.dev), Denied: &d.filter.denied, Logf: log.Printf}
	return d.logger.Startup(id, logtail.PrivateID{}, d.tun, routes)
}

// routes returns the current routes of the device.
func (d *daemon) routes() (*netlog.RouteConfig, error) {
	routes, err := wgtun.Routes(d.dev, d.cfg.Address...)
	if err != nil {
		return nil, err
	}
	routes.SubnetRoutes = d.cfg.Subnets
	return routes, nil
}

// reconfigure applies the changes of the peers and of the denied ports. If the device refuses them, nothing changes, except that a peer
// without an endpoint may have got one.
func (d *daemon) reconfigure(cfg config) error {
	// Update the routes of the Logger before adding a peer and after removing one, so that
	// the traffic of a peer never counts as exit traffic.
	both, err := d.routes()
	if err != nil {
		return err
	}
	for _, p := range cfg.Peers {
		both.Routes = append(both.Routes, p.AllowedIPs...)
	}
	d.logger.ReconfigRoutes(both)
	refused := d.dev.IpcSet(cfg.change(d.cfg))
	if refused == nil {
		d.cfg.Peers, d.cfg.Address, d.cfg.Subnets, d.cfg.DenyPorts = cfg.Peers, cfg.Address, cfg.Subnets, cfg.DenyPorts
		d.filter.ports.Store(&cfg.DenyPorts)
	} else { // a part of the change may have been applied
		refused = errors.Join(refused, d.dev.IpcSet(d.cfg.change(cfg)))
	}
	routes, err := d.routes()
	if err == nil {
		d.logger.ReconfigRoutes(routes)
	}
	return errors.Join(refused, err)
}

// close closes the daemon in the required order: first the Logger, while the tunnel still works, because the
// collector may be behind it; then the spool, which the Logger no longer uses; the device last.
func (d *daemon) close() error {
	var errs []error
	if d.logger != nil {
		ctx, cancel := context.WithTimeout(context.Background(), d.patience)
		err := d.logger.Shutdown(ctx)
		cancel()
		// An error that wraps more than this one means that something was lost.
		if kept, ok := err.(*logtail.UndeliveredError); ok && kept.Kept {
			log.Printf("%d entries stay in the spool", kept.Entries) // the next start sends them
		} else {
			errs = append(errs, err)
		}
	}
	if d.spool != nil {
		errs = append(errs, d.spool.Close())
	}
	d.dev.Close()
	return errors.Join(errs...)
}
