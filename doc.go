// Package netlog gives a VPN or tunnel daemon network flow logs, sent to a
// server of its owner's choice: who talked to whom, how much, in which class of
// traffic, every five seconds, compressed, delivered at least once, without ever
// slowing a packet.
//
// A daemon hands over its tun device as a [Device], and says which addresses
// belong to the VPN:
//
//	package main
//
//	import (
//		"context"
//		"log"
//		"net/netip"
//		"time"
//
//		"github.com/go-netlog/netlog"
//		"github.com/go-netlog/netlog/logtail"
//		"github.com/go-netlog/netlog/tunstats"
//	)
//
//	func main() {
//		id, err := logtail.LoadOrCreatePrivateID("netlog.id") // who this node is to the log server
//		if err != nil {
//			log.Fatal(err)
//		}
//		var tun tunstats.Meter   // told of each packet: tun.UpdateTx(sent), tun.UpdateRx(received)
//		var logger netlog.Logger // sends to http://127.0.0.1:8641, where "netlog serve" listens
//		err = logger.Startup(id, logtail.PrivateID{} /* no second identity */, &tun, &netlog.RouteConfig{
//			LocalAddrs: []netip.Prefix{netip.MustParsePrefix("10.0.0.2/24")},
//			Routes:     []netip.Prefix{netip.MustParsePrefix("192.168.7.0/24")}, // behind a peer
//		})
//		if err != nil {
//			log.Fatal(err)
//		}
//
//		time.Sleep(time.Minute) // here the daemon does its work
//
//		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
//		defer cancel()
//		if err := logger.Shutdown(ctx); err != nil { // the last window, and what is queued
//			log.Print(err)
//		}
//	}
//
// A tun wrapper that embeds the Meter is a Device by itself, see package tunstats.
// With wireguard-go the wgtun module does the counting. The netlog command
// receives, shows and checks the records.
//
// # Classes of traffic
//
// A flow between two addresses of nodes is virtual traffic; one with a subnet
// behind a node is subnet traffic; one with a side that is not known to belong to
// the VPN is exit traffic. By default nothing of exit traffic is written but its
// total of packets and bytes: see [ExitPolicy]. A default route, in whatever
// pieces it is written, does not make the internet a subnet: see [RouteConfig].
//
// # What is promised
//
// The books balance: the packets and bytes of all entries of all records are
// those that the Device counted, less what Ignore left out and less our own
// uploads, both of which stand in [Stats]. A record that was queued is delivered
// at least once and in order, or counted as dropped, and the drop is told in the
// stream. Nothing here waits for the network but Shutdown, and Shutdown waits no
// longer than its context.
package netlog
