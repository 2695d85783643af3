// Package netif counts the packets of a network interface of the kernel, such as that of kernel
// WireGuard, of a wireguard-go process, of OpenVPN, or tailscale0. So a VPN that is already running
// gets flow logs without being changed, and a daemon that configures kernel WireGuard gets a
// netlog.Device.
//
//	package main
//
//	import (
//		"context"
//		"log"
//		"os"
//		"os/signal"
//		"time"
//
//		"github.com/go-netlog/netlog"
//		"github.com/go-netlog/netlog/logtail"
//		"github.com/go-netlog/netlog/netif"
//		"github.com/go-netlog/netlog/record"
//	)
//
//	func main() {
//		wg0, err := netif.Open("wg0", netif.Options{Logf: log.Printf})
//		if err != nil {
//			log.Fatal(err)
//		}
//		defer wg0.Close()
//		routes, err := netif.Routes("wg0")
//		if err != nil {
//			log.Fatal(err)
//		}
//		id, err := logtail.LoadOrCreatePrivateID("wg0.id")
//		if err != nil {
//			log.Fatal(err)
//		}
//		logger := netlog.Logger{Underlay: netif.Underlay("wg0")}
//		if err := logger.Startup(id, logtail.PrivateID{}, wg0, routes); err != nil {
//			log.Fatal(err)
//		}
//		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
//		defer stop()
//		go netif.FollowPeers(ctx, "wg0", func(p record.Peer) { logger.WritePeer(p) })
//		if err := netif.Follow(ctx, "wg0", logger.ReconfigRoutes, log.Printf); err != nil { // until ctx ends
//			log.Print(err)
//			<-ctx.Done() // changes cannot be followed
//		}
//
//		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
//		defer cancel()
//		if err := logger.Shutdown(ctx); err != nil {
//			log.Print(err)
//		}
//	}
//
// The command netlogd does the same without any code.
//
// # What is counted
//
// Tx is what the host sends into the interface, and Rx is what comes out of it. For a VPN
// these are the packets inside the tunnel. Packets that the kernel handles merged into one
// (segmentation and receive offload) count as those that the VPN carries: each segment is a
// packet, with its own headers.
//
// The kernel copies the headers of each packet into a ring of memory. If the processors are
// too busy and the ring is full, packets still reach their receivers, but are not counted.
// A Logger writes the number of these packets in the next record, as lostPackets.
//
// # Systems
//
// The package works on Linux 4.6 and newer. On other systems Open, Routes, Follow and FollowPeers
// return an error that wraps errors.ErrUnsupported, and the Device of Underlay reports nothing. Capturing
// needs the capability CAP_NET_RAW, and reading the configuration of kernel WireGuard needs
// CAP_NET_ADMIN.
package netif
