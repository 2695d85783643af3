package main

import (
	"context"
	"fmt"
	"net/netip"

	"golang.zx2c4.com/wireguard/conn"
	"golang.zx2c4.com/wireguard/device"
	"golang.zx2c4.com/wireguard/tun/netstack"

	"github.com/go-netlog/netlog/wgtun"
	"github.com/go-netlog/netlog/wgtun/internal/tally"
	"github.com/go-netlog/netlog/wgtun/internal/wgconf"
)

const mtu = 1420 // bytes; what WireGuard leaves of an Ethernet frame

// node is one end of the tunnel: a WireGuard device over a network stack in user space.
type node struct {
	name   string
	prefix netip.Prefix // its address in the VPN, with the network
	key    wgconf.Key
	net    *netstack.Net
	filter *filter
	tally  *tally.Tun    // counts the traffic, to check the records
	tun    *wgtun.Device // the Device of the Logger
	dev    *device.Device

	endpoint netip.AddrPort // the address on which dev listens
}

// newNode starts a device on a UDP port of the loopback interface.
func newNode(name string, prefix netip.Prefix) (*node, error) {
	key, err := wgconf.NewKey()
	if err != nil {
		return nil, err
	}
	stack, net, err := netstack.CreateNetTUN([]netip.Addr{prefix.Addr()}, nil, mtu)
	if err != nil {
		return nil, fmt.Errorf("network stack of %s: %w", name, err)
	}
	n := &node{name: name, prefix: prefix, key: key, net: net}
	n.filter = &filter{Device: stack}
	n.tally = &tally.Tun{Device: n.filter}
	n.tun = wgtun.Wrap(n.tally)
	n.dev = device.NewDevice(n.tun, conn.NewDefaultBind(), device.NewLogger(device.LogLevelSilent, ""))
	if err := n.up(); err != nil {
		n.dev.Close()
		return nil, fmt.Errorf("device of %s: %w", name, err)
	}
	return n, nil
}

// up opens a UDP port and stores it.
func (n *node) up() error {
	if err := n.dev.IpcSet(wgconf.Device(n.key.Private, 0)); err != nil {
		return err
	}
	if err := n.dev.Up(); err != nil {
		return err
	}
	config, err := n.dev.IpcGet()
	n.endpoint = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), wgconf.ListenPort(config))
	return err
}

// addPeer adds peer to the device of n.
func (n *node) addPeer(peer *node) error {
	addr := peer.prefix.Addr()
	return n.dev.IpcSet(wgconf.Peer{
		Public:    peer.key.Public,
		Endpoint:  peer.endpoint,
		AllowedIP: []netip.Prefix{netip.PrefixFrom(addr, addr.BitLen())},
	}.String())
}

// newTunnel starts two nodes that are peers.
func newTunnel() (alpha, beta *node, err error) {
	alpha, err = newNode("alpha", netip.MustParsePrefix("10.77.0.1/24"))
	if err != nil {
		return nil, nil, err
	}
	beta, err = newNode("beta", netip.MustParsePrefix("10.77.0.2/24"))
	if err != nil {
		alpha.dev.Close()
		return nil, nil, err
	}
	if err = alpha.addPeer(beta); err == nil {
		err = beta.addPeer(alpha)
	}
	if err != nil {
		closeTunnel(alpha, beta)
		return nil, nil, err
	}
	return alpha, beta, nil
}

// closeTunnel closes both nodes. netstack panics if it sends a packet after it has been closed. So closeTunnel waits
// for the end of interrupted connections, and first stops the packets of the peer, which need answers.
func closeTunnel(alpha, beta *node) {
	settle(context.Background(), alpha, beta)
	alpha.dev.Down()
	beta.dev.Down()
	alpha.dev.Close()
	beta.dev.Close()
}
