// Command nebula is Nebula with flow logs. Its configuration has one key more than that of Nebula: flow_logs.dir is the
// directory of their state, which must exist.
//
//	nebula config.yml
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/sirupsen/logrus"
	"github.com/slackhq/nebula"
	"github.com/slackhq/nebula/config"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/internal/embed/flows"
	"github.com/go-netlog/netlog/tunstats"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: nebula CONFIG")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "nebula:", err)
		os.Exit(1)
	}
}

func run(path string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	logger := logrus.New()
	c := config.NewC(logger)
	if err := c.Load(path); err != nil {
		return err
	}
	dir := c.GetString("flow_logs.dir", "")
	if dir == "" {
		return errors.New("flow_logs.dir is not set")
	}

	var meter tunstats.Meter
	control, err := nebula.Main(c, false, "", logger, counting(&meter))
	if err != nil {
		return err
	}
	cfg, err := routes(c, control)
	if err != nil {
		return err
	}
	var flowLogger netlog.Logger
	stopLogs, err := flows.Start(dir, &flowLogger, &meter, cfg)
	if err != nil {
		return err
	}
	c.RegisterReloadCallback(func(c *config.C) {
		cfg, err := routes(c, control)
		if err != nil {
			logger.Error("The flow logs keep their routes: ", err)
			return
		}
		flowLogger.ReconfigRoutes(cfg)
	})
	control.Start() // no packet was read before
	<-ctx.Done()
	stopLogs()
	control.Stop()
	return nil
}
