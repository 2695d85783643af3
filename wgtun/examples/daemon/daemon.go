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

const defaultPatience = 10 * time.Second // a service manager gives more before it kills

// daemon is a WireGuard device and its flow logs.
type daemon struct {
	cfg    config
	tun    *wgtun.Device
	dev    *device.Device
	id     logtail.PublicID
	spool  *spool.Spool
	logger *netlog.Logger

	patience time.Duration // how long the last upload may take; the spool keeps the rest
}

// newDaemon starts a daemon over inner, which it closes at its end, or now if it fails.
func newDaemon(cfg config, inner tun.Device, bind conn.Bind) (*daemon, error) {
	d := &daemon{cfg: cfg, tun: wgtun.Wrap(inner), patience: defaultPatience}
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

// startLogger turns flow logs on. They are kept on disk until the collector has them.
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
	d.logger = &netlog.Logger{Upload: upload, Underlay: wgtun.Underlay(d.dev), Logf: log.Printf}
	return d.logger.Startup(id, logtail.PrivateID{}, d.tun, routes)
}

// routes returns what the device has now.
func (d *daemon) routes() (*netlog.RouteConfig, error) {
	routes, err := wgtun.Routes(d.dev, d.cfg.Address...)
	if err != nil {
		return nil, err
	}
	routes.SubnetRoutes = d.cfg.Subnets
	return routes, nil
}

// reconfigure applies what has changed among the peers, or nothing where the device
// refuses it: but then a peer that had no endpoint may have one.
func (d *daemon) reconfigure(cfg config) error {
	// The Logger hears of a peer before it is added, and of one that goes after it is
	// removed. So no traffic of a peer is ever taken for that of the internet.
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
		d.cfg.Peers, d.cfg.Address, d.cfg.Subnets = cfg.Peers, cfg.Address, cfg.Subnets
	} else { // it may have taken a part
		refused = errors.Join(refused, d.dev.IpcSet(d.cfg.change(cfg)))
	}
	routes, err := d.routes()
	if err == nil {
		d.logger.ReconfigRoutes(routes)
	}
	return errors.Join(refused, err)
}

// close ends the daemon in the only right order: the Logger while the tunnel still
// works, for the collector may be behind it; then the spool, which the Logger no longer
// uses; the device last.
func (d *daemon) close() error {
	var errs []error
	if d.logger != nil {
		ctx, cancel := context.WithTimeout(context.Background(), d.patience)
		err := d.logger.Shutdown(ctx)
		cancel()
		// An error that wraps this one and more tells of a loss besides.
		if kept, ok := err.(*logtail.UndeliveredError); ok && kept.Kept {
			log.Printf("%d entries stay in the spool", kept.Entries) // and go out with the next start
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
