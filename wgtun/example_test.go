package wgtun_test

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"golang.zx2c4.com/wireguard/conn"
	"golang.zx2c4.com/wireguard/device"
	"golang.zx2c4.com/wireguard/tun/tuntest"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/wgtun"
)

// Count a device from its creation to its end. Without a server, OnRecord receives the records.
func Example() {
	inner := tuntest.NewChannelTUN() // a daemon uses tun.CreateTUN
	counted := wgtun.Wrap(inner.TUN())
	dev := device.NewDevice(counted, conn.NewDefaultBind(), device.NewLogger(device.LogLevelSilent, ""))
	defer dev.Close()
	err := dev.IpcSet("public_key=c4c8e984c5322c8184c72265b92b250fdb63688705f504ba003c88f03393cf28\nallowed_ip=10.0.0.3/32\n")
	if err != nil {
		fmt.Println(err)
		return
	}

	routes, err := wgtun.Routes(dev, netip.MustParsePrefix("10.0.0.2/24"))
	if err != nil {
		fmt.Println(err)
		return
	}
	logger := netlog.Logger{
		Underlay: wgtun.Underlay(dev),
		NoUpload: true,
		OnRecord: func(m *netlog.Message) {
			for _, c := range m.VirtualTraffic {
				fmt.Println(c.Tuple, c.TxBytes, "bytes")
			}
		},
	}
	if err := logger.Startup(logtail.PrivateID{}, logtail.PrivateID{}, counted, routes); err != nil {
		fmt.Println(err)
		return
	}

	ping := []byte{0x45, 0, 0, 28, 0, 0, 0, 0, 64, 1, 0, 0, 10, 0, 0, 2, 10, 0, 0, 3, 8, 0, 0, 0, 0, 0, 0, 0}
	inner.Outbound <- ping // the host sends
	inner.Outbound <- nil  // accepted after the ping has been counted

	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := logger.Shutdown(ctx); err != nil {
		fmt.Println(err)
	}
	// Output: ICMPv4 10.0.0.2:0 -> 10.0.0.3:0 28 bytes
}
