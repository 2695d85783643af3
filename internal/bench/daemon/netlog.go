//go:build netlog

package main

import (
	"context"
	"fmt"
	"os"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/tunstats"
)

func logFlows() {
	var logger netlog.Logger
	if len(os.Args) > 2 {
		logger.Upload.BaseURL = os.Args[2]
	}
	id := logtail.NewPrivateID()
	logger.Upload.Buffer = buffer(id.Public())
	fmt.Println(logger.Startup(id, logtail.PrivateID{}, new(tunstats.Meter), nil))
	fmt.Println(logger.Shutdown(context.Background()))
}
