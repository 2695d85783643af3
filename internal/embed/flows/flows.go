// Package flows has what the daemons of this module add for flow logs, whatever moves their packets.
package flows

import (
	"context"
	"errors"
	"log"
	"path/filepath"
	"time"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/logtail/spool"
)

// patience bounds the upload at the end. The spool keeps what is left for the next start.
const patience = 5 * time.Second

// Logs are the flow logs of a daemon. They go to the collector on this machine.
type Logs struct {
	logger netlog.Logger
	spool  *spool.Spool
}

// Start begins to log what tun counts. The identity of the node and its undelivered records are kept in dir, which must
// exist. underlay may be nil. A nil cfg means that SetRoutes follows: until then all traffic is exit traffic.
func Start(dir string, tun, underlay netlog.Device, cfg *netlog.RouteConfig) (*Logs, error) {
	id, err := logtail.LoadOrCreatePrivateID(filepath.Join(dir, "flows.id"))
	if err != nil {
		return nil, err
	}
	l := new(Logs)
	if l.spool, err = spool.Open(filepath.Join(dir, "flows"), id.Public(), spool.Options{}); err != nil {
		return nil, err
	}
	l.logger.Upload.Buffer = l.spool
	l.logger.Underlay = underlay
	l.logger.Logf = log.Printf
	if err := l.logger.Startup(id, logtail.PrivateID{}, tun, cfg); err != nil {
		return nil, errors.Join(err, l.spool.Close())
	}
	log.Printf("flows are logged as %v", id.Public())
	return l, nil
}

// SetRoutes applies changed routes.
func (l *Logs) SetRoutes(cfg *netlog.RouteConfig) { l.logger.ReconfigRoutes(cfg) }

// Close sends the last window. Call it while the tunnel still works, because the collector may be behind it.
func (l *Logs) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := errors.Join(l.logger.Shutdown(ctx), l.spool.Close()); err != nil {
		log.Print(err)
	}
}
