// Package netlog adds network flow logs to a VPN or tunnel daemon. Every five seconds it
// records who talked to whom, how much, and in which class of traffic, and uploads the record
// to a server of the owner's choice, compressed and at least once. Packets never wait for
// logging or I/O.
//
// A daemon passes its tun device as a [Device] and the addresses that belong to the VPN:
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
//		var tun tunstats.Meter   // call tun.UpdateTx(packet) and tun.UpdateRx(packet)
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
// A tun wrapper that embeds a Meter is a Device itself; see package tunstats. For
// wireguard-go, the wgtun module counts the packets. The netlog command receives, shows and
// checks the records, and package record reads them.
//
// # Classes of traffic
//
// A flow between two addresses of nodes is virtual traffic. A flow with a subnet behind a
// node is subnet traffic. A flow with an address that is not known to belong to the VPN is
// exit traffic, of which only the total packets and bytes are written by default; see
// [ExitPolicy]. A default route, however it is written, does not turn the internet into a
// subnet; see [RouteConfig]. What the daemon's own filter dropped is denied traffic; see
// Denied of [Logger].
//
// # Guarantees
//
// The virtual, subnet and exit traffic of all records adds up to what the Device counted, less
// the flows that Ignore left out and our own uploads, both of which [Stats] counts. Denied
// traffic is a sum of its own. A queued record is delivered at least once and in order, or
// counted as dropped and reported in the stream. Only Startup and Shutdown wait, and Shutdown
// returns at most 200 ms after its context ends.
package netlog
