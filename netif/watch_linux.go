package netif

import (
	"context"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// watchChanges returns a channel that receives after changes of interfaces, addresses and routes,
// until ctx ends.
func watchChanges(ctx context.Context) (<-chan struct{}, error) {
	const groups = unix.RTMGRP_LINK | unix.RTMGRP_IPV4_IFADDR | unix.RTMGRP_IPV6_IFADDR | unix.RTMGRP_IPV4_ROUTE | unix.RTMGRP_IPV6_ROUTE
	conn, err := netlink.Dial(unix.NETLINK_ROUTE, &netlink.Config{Groups: groups})
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	changes := make(chan struct{}, 1)
	go func() {
		defer stop()
		for ctx.Err() == nil {
			// An error means that the kernel had to drop messages, so something has changed.
			if _, err := conn.Receive(); err != nil {
				time.Sleep(settleTime)
			}
			select {
			case changes <- struct{}{}:
			default:
			}
		}
	}()
	return changes, nil
}
