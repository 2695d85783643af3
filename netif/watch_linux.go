package netif

import (
	"context"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// watchChanges returns a channel that receives after changes of interfaces, addresses and routes. The channel is
// closed after ctx has ended.
func watchChanges(ctx context.Context) (<-chan struct{}, error) {
	const groups = unix.RTMGRP_LINK | unix.RTMGRP_IPV4_IFADDR | unix.RTMGRP_IPV6_IFADDR |
		unix.RTMGRP_IPV4_ROUTE | unix.RTMGRP_IPV6_ROUTE
	conn, err := netlink.Dial(unix.NETLINK_ROUTE, &netlink.Config{Groups: groups})
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { conn.Close() }) // ends Receive
	changes := make(chan struct{}, 1)
	go func() {
		defer close(changes)
		for ctx.Err() == nil {
			// An error means that the kernel had to drop messages, so something has changed.
			if _, err := conn.Receive(); err != nil {
				wait(ctx, settleTime)
			}
			select {
			case changes <- struct{}{}:
			default:
			}
		}
	}()
	return changes, nil
}
