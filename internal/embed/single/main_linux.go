// Command single is a tunnel between two hosts, with flow logs. It moves each packet of a tun in a UDP datagram, without
// encryption, so it is no VPN: it shows what flow logs add to a tun of single packets.
//
//	single -dev tun7 -listen 192.0.2.1:7000 -peer 192.0.2.2:7000 -address 10.7.0.1/24 -state /var/lib/single
//
// Like wireguard-go, it does not configure the interface.
package main

import (
	"context"
	"flag"
	"io"
	"log"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"syscall"

	"github.com/songgao/water"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/internal/embed/flows"
	"github.com/go-netlog/netlog/internal/embed/packets"
	"github.com/go-netlog/netlog/tunstats"
)

// config is what the flags say.
type config struct {
	dev, state   string
	listen, peer netip.AddrPort
	address      netip.Prefix
}

func main() {
	var cfg config
	flag.StringVar(&cfg.dev, "dev", "", "`name` of the interface")
	flag.StringVar(&cfg.state, "state", "", "existing `directory` for the state of the flow logs")
	flag.TextVar(&cfg.listen, "listen", netip.AddrPort{}, "UDP `address` of this host")
	flag.TextVar(&cfg.peer, "peer", netip.AddrPort{}, "UDP `address` of the other host")
	flag.TextVar(&cfg.address, "address", netip.Prefix{}, "`address` of this host in the tunnel, with its network: 10.7.0.1/24")
	flag.Parse()
	if cfg.state == "" || !cfg.listen.IsValid() || !cfg.peer.IsValid() || !cfg.address.IsValid() {
		log.Fatal("-state, -listen, -peer and -address are required")
	}
	if err := run(cfg); err != nil {
		log.Fatal(err)
	}
}

func run(cfg config) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	socket, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(cfg.listen))
	if err != nil {
		return err
	}
	defer socket.Close()
	ifce, err := water.New(water.Config{DeviceType: water.TUN, PlatformSpecificParams: water.PlatformSpecificParams{Name: cfg.dev}})
	if err != nil {
		return err
	}
	defer ifce.Close()

	var meter tunstats.Meter
	tun := packets.Queue{ReadWriteCloser: ifce, Meter: &meter}
	stopLogs, err := flows.Start(cfg.state, &netlog.Logger{}, &meter, &netlog.RouteConfig{LocalAddrs: []netip.Prefix{cfg.address}})
	if err != nil {
		return err
	}
	defer stopLogs() // before the tun and the socket, which the upload may need

	ended := make(chan error, 2)
	go func() { ended <- send(tun, socket, cfg.peer) }()
	go func() { ended <- receive(socket, tun, cfg.peer) }()
	select {
	case err = <-ended:
	case <-ctx.Done():
	}
	return err
}

// send moves packets out of the tun.
func send(tun io.Reader, socket *net.UDPConn, peer netip.AddrPort) error {
	packet := make([]byte, 1<<16)
	for {
		n, err := tun.Read(packet)
		if err != nil {
			return err
		}
		socket.WriteToUDPAddrPort(packet[:n], peer) // an error is a lost packet
	}
}

// receive moves packets of the peer into the tun.
func receive(socket *net.UDPConn, tun io.Writer, peer netip.AddrPort) error {
	packet := make([]byte, 1<<16)
	for {
		n, from, err := socket.ReadFromUDPAddrPort(packet)
		if err != nil {
			return err
		}
		if netip.AddrPortFrom(from.Addr().Unmap(), from.Port()) == peer {
			tun.Write(packet[:n]) // the same
		}
	}
}
