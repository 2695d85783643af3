// Package wgtun gives a wireguard-go daemon the devices that a [netlog.Logger]
// reads. To a daemon that has the rest, three lines are new: [Wrap], [Underlay]
// and Startup.
//
//	package main
//
//	import (
//		"context"
//		"log"
//		"net/netip"
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
//		if err := logger.Startup(logtail.NewPrivateID(), logtail.PrivateID{}, counted, routes); err != nil {
//			log.Fatal(err)
//		}
//		<-dev.Wait()
//
//		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
//		defer cancel()
//		if err := logger.Shutdown(ctx); err != nil {
//			log.Print(err)
//		}
//	}
//
// # What is counted where
//
// [Wrap] counts the packets inside the tunnel: Tx is what the host sends into it,
// Rx is what comes out of it. Packets that WireGuard drops afterwards (no peer for
// the address, no handshake yet, a full queue) are in Tx; keepalives, handshakes
// and padding are not, because they never reach the tun.
//
// [Underlay] reports the encrypted transport: the bytes of each peer to and from
// its endpoint, handshakes and keepalives included. WireGuard counts no packets there.
//
// # Order
//
// Shut the Logger down first and close the device after it: what is still queued
// may have to go through the tunnel.
package wgtun
