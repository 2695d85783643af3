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

// Start begins to log what tun counts, to the collector on this machine. The identity of the node and its undelivered
// records are kept in dir, which must exist. Call stop while the tunnel still works, because the collector may be behind
// it: stop sends the last window.
func Start(dir string, logger *netlog.Logger, tun netlog.Device, cfg *netlog.RouteConfig) (stop func(), err error) {
	id, err := logtail.LoadOrCreatePrivateID(filepath.Join(dir, "flows.id"))
	if err != nil {
		return nil, err
	}
	buffer, err := spool.Open(filepath.Join(dir, "flows"), id.Public(), spool.Options{})
	if err != nil {
		return nil, err
	}
	logger.Upload.Buffer, logger.Logf = buffer, log.Printf
	if err := logger.Startup(id, logtail.PrivateID{}, tun, cfg); err != nil {
		return nil, errors.Join(err, buffer.Close())
	}
	log.Printf("flows are logged as %v", id.Public())
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := errors.Join(logger.Shutdown(ctx), buffer.Close()); err != nil {
			log.Print(err)
		}
	}, nil
}
