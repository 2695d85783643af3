package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/internal/faults"
	"github.com/go-netlog/netlog/internal/flowtable"
	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/logtail/spool"
	"github.com/go-netlog/netlog/netif"
	"github.com/go-netlog/netlog/record"
)

const shutdownTimeout = 10 * time.Second // for the last upload; less than the timeout of service managers

// agent logs the flows of one interface. Each has an identity and a spool of its own, since it is
// a node in a VPN of its own.
type agent struct {
	cfg   *config // immutable, like the fields below
	name  string  // of the interface
	names map[netip.Addr]string
	out   *lines
	logf  func(format string, args ...any)

	tap    *netif.Interface // set by start, like the fields below
	spool  *spool.Spool     // nil with -json
	logger *netlog.Logger   // nil unless it was started

	faults faults.Faults // of WritePeer; owned by the goroutine of FollowPeers
}

// start starts logging. If it fails, stop releases what was opened.
func (a *agent) start() (err error) {
	a.tap, err = netif.Open(a.name, netif.Options{Wait: true, RingBytes: a.cfg.ring, Logf: a.logf})
	if err != nil {
		return err
	}
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	logger := &netlog.Logger{
		Exit:       a.cfg.exit,
		NodeID:     host + "/" + a.name,
		PollPeriod: a.cfg.period,
		LookupNode: a.lookup,
		Logf:       func(format string, args ...any) { a.logf(a.name+": "+format, args...) },
	}
	if a.cfg.endpoints {
		logger.Underlay = netif.Underlay(a.name)
	}
	id := logtail.NewPrivateID()
	if a.cfg.json {
		logger.NoUpload, logger.OnRecord = true, a.out.record
	} else if id, err = a.openState(&logger.Upload); err != nil {
		return fmt.Errorf("-state: %w", err)
	}
	routes, _ := netif.Routes(a.name) // Follow logs an error and tries again
	if err := logger.Startup(id, logtail.PrivateID{}, a.tap, a.complete(routes)); err != nil {
		return fmt.Errorf("%s: %s", a.name, flagNames().Replace(err.Error()))
	}
	a.logger = logger
	a.logf("%s: flows are logged as %v, %s", a.name, id.Public(), a.cfg.destination())
	return nil
}

// openState opens the identity and the spool, and completes the settings of the upload.
func (a *agent) openState(upload *logtail.Config) (logtail.PrivateID, error) {
	dir := filepath.Join(a.cfg.state, a.name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return logtail.PrivateID{}, err
	}
	id, err := logtail.LoadOrCreatePrivateID(filepath.Join(dir, "id"))
	if err != nil {
		return id, err
	}
	a.spool, err = spool.Open(filepath.Join(dir, "spool"), id.Public(), spool.Options{})
	if err != nil {
		return id, err
	}
	upload.BaseURL, upload.Header, upload.AllowInsecure = a.cfg.collector, a.cfg.header, a.cfg.insecure
	upload.Buffer, upload.Gzip = a.spool, a.cfg.gzip
	return id, nil
}

// complete adds the subnets of the command line to the routes of the interface. routes may be nil.
func (a *agent) complete(routes *netlog.RouteConfig) *netlog.RouteConfig {
	if routes == nil {
		routes = &netlog.RouteConfig{}
	}
	routes.SubnetRoutes = a.cfg.subnets
	return routes
}

func (a *agent) reroute(routes *netlog.RouteConfig) { a.logger.ReconfigRoutes(a.complete(routes)) }

// peer writes the event of a peer of the interface.
func (a *agent) peer(p record.Peer) {
	p.Name = a.names[p.Address]
	if !a.cfg.json {
		now, err := time.Now(), a.logger.WritePeer(p)
		if err == nil {
			a.faults.Success(now) // a Logger that recovers says so itself
		} else if a.faults.Fault(now, 0, err.Error()) {
			a.logf("%s: the event of a peer was dropped: %v", a.name, err)
		}
		return
	}
	if !a.cfg.endpoints {
		p.Endpoint = netip.AddrPort{}
	}
	a.out.peer(a.logger.NodeID, p)
}

func (a *agent) lookup(addr netip.Addr) (netlog.Node, bool) {
	name, ok := a.names[addr]
	return netlog.Node{Name: name}, ok
}

// stop stops logging, in the required order: the Logger while the VPN may still lead to the
// collector, then what it used.
func (a *agent) stop() error {
	var errs []error
	if a.logger != nil {
		ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
		err := a.logger.Shutdown(ctx)
		cancel()
		// An error that wraps more than this one means that something was lost.
		if kept, ok := err.(*logtail.UndeliveredError); ok && kept.Kept {
			a.logf("%s: not sent yet: %s, kept in %s for the next start", a.name,
				flowtable.Plural(kept.Entries, "entry"), filepath.Join(a.cfg.state, a.name))
		} else if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", a.name, err))
		}
	}
	if a.spool != nil {
		errs = append(errs, a.spool.Close())
	}
	if a.tap != nil {
		if lost := a.tap.LostPackets(); lost > 0 {
			a.logf("%s: %d packets were not counted in all", a.name, lost)
		}
		errs = append(errs, a.tap.Close())
	}
	return errors.Join(errs...)
}
