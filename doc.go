// Package netlog gives a VPN or tunnel daemon network flow logs, sent to a
// server of its owner's choice: who talked to whom, how much, in which class of
// traffic, every five seconds, compressed, delivered at least once, without ever
// slowing a packet.
//
// A daemon hands over its tun device as a [Device] and says which addresses
// belong to the VPN:
//
//	var meter tunstats.Meter // UpdateTx and UpdateRx tell it of each packet
//	var logger netlog.Logger // the zero value sends to http://127.0.0.1:8641
//
//	err := logger.Startup(nodeID, logtail.PrivateID{}, &meter, &netlog.RouteConfig{
//		LocalAddrs: []netip.Prefix{netip.MustParsePrefix("10.0.0.2/24")},
//		Routes:     []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24")},
//	})
//	...
//	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
//	defer cancel()
//	err = logger.Shutdown(ctx) // the last window, then what is queued
//
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
