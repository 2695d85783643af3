// Package wgtun logs the flows of a wireguard-go daemon with a [netlog.Logger]. A daemon calls [Wrap], [Routes] and
// [Underlay], and starts and shuts down the Logger.
//
//	package main
//
//	import (
//		"context"
//		"log"
//		"net/netip"
//		"os"
//		"os/signal"
//		"time"
//
//		"golang.zx2c4.com/wireguard/conn"
//		"golang.zx2c4.com/wireguard/device"
//		"golang.zx2c4.com/wireguard/tun"
//
//		"github.com/go-netlog/netlog"
//		"github.com/go-netlog/netlog/logtail"
//		"github.com/go-netlog/netlog/wgtun"
//	)
//
//	func main() {
//		inner, err := tun.CreateTUN("wg0", device.DefaultMTU)
//		if err != nil {
//			log.Fatal(err)
//		}
//		counted := wgtun.Wrap(inner)
//		dev := device.NewDevice(counted, conn.NewDefaultBind(), device.NewLogger(device.LogLevelError, "wg0: "))
//		defer dev.Close()
//		// Here the daemon configures dev and the interface, and brings them up.
//
//		routes, err := wgtun.Routes(dev, netip.MustParsePrefix("10.0.0.2/24"))
//		if err != nil {
//			log.Fatal(err)
//		}
//		logger := netlog.Logger{Underlay: wgtun.Underlay(dev)}
//		id, err := logtail.LoadOrCreatePrivateID("wg0.id")
//		if err != nil {
//			log.Fatal(err)
//		}
//		if err := logger.Startup(id, logtail.PrivateID{}, counted, routes); err != nil {
//			log.Fatal(err)
//		}
//
//		stop := make(chan os.Signal, 1)
//		signal.Notify(stop, os.Interrupt)
//		<-stop
//
//		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
//		defer cancel()
//		if err := logger.Shutdown(ctx); err != nil {
//			log.Print(err)
//		}
//	}
//
// # What is counted
//
// [Wrap] counts the packets inside the tunnel. Tx is what the host sends into the tunnel, and Rx is what comes
// out of it. Tx includes packets that WireGuard drops afterwards (no peer for the address, no handshake yet, a
// full queue), but not keepalives, handshakes and padding, which never reach the tun.
//
// TCP flows have flags, which say who opened a connection and how it ended: see [tunstats.Counts].
//
// [Underlay] reports the encrypted transport: the bytes between each peer and its endpoint, including handshakes
// and keepalives. WireGuard does not count packets there.
//
// # Forks
//
// [Underlay] and [Routes] also take the device of a fork of wireguard-go. docs/embedding.md has a wrapper for a tun whose
// types are those of a fork.
//
// # An idle tunnel
//
// While there are no packets, the Logger runs no timer. [Device.NotifyActivity] wakes it at the next packet.
//
// # Order
//
// Shut the Logger down before closing the device, because the last upload may need the tunnel, and an [Underlay] reads
// the counters of the device for the last window. Close a spool after Shutdown.
package wgtun
