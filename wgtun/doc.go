// Package wgtun gives a wireguard-go daemon the devices that a [netlog.Logger]
// reads. A daemon changes three lines:
//
//	tunDev := wgtun.Wrap(tunDev)                          // before device.NewDevice takes it
//	logger := &netlog.Logger{Underlay: wgtun.Underlay(dev)} // after it
//	err := logger.Startup(nodeID, domainID, tunDev, routes) // routes from wgtun.Routes, or the daemon's own
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
