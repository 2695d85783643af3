package netif

import (
	"context"
	"sync"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// watchChanges returns a channel that receives after changes of interfaces, addresses and routes. The caller
// must call stop, which waits until the goroutine has ended.
func watchChanges(ctx context.Context) (changed <-chan struct{}, stop func(), err error) {
	const groups = unix.RTMGRP_LINK | unix.RTMGRP_IPV4_IFADDR | unix.RTMGRP_IPV6_IFADDR |
		unix.RTMGRP_IPV4_ROUTE | unix.RTMGRP_IPV6_ROUTE
	conn, err := netlink.Dial(unix.NETLINK_ROUTE, &netlink.Config{Groups: groups})
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	changes := make(chan struct{}, 1)
	var watcher sync.WaitGroup
	watcher.Go(func() {
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
	})
	return changes, func() {
		cancel()
		conn.Close() // ends Receive
		watcher.Wait()
	}, nil
}
