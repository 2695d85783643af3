package netlog_test

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/tunstats"
)

// An echo request (RFC 792) from 100.64.0.1 to 100.64.0.2, and its reply.
var (
	request = []byte{0x45, 0, 0, 28, 0, 0, 0, 0, 64, 1, 0, 0, 100, 64, 0, 1, 100, 64, 0, 2, 8, 0, 0, 0, 0, 0, 0, 0}
	reply   = []byte{0x45, 0, 0, 28, 0, 0, 0, 0, 64, 1, 0, 0, 100, 64, 0, 2, 100, 64, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0}
)

// tunDevice stands for the daemon's own tun device. Embedding a Meter makes it a
// netlog.Device; its Read and Write tell the Meter what passes.
type tunDevice struct {
	tunstats.Meter
}

func (d *tunDevice) Read(packet []byte) (int, error) {
	n := copy(packet, request) // where the packet really comes from
	d.UpdateTx(packet[:n])
	return n, nil
}

func (d *tunDevice) Write(packet []byte) (int, error) {
	d.UpdateRx(packet)
	return len(packet), nil
}

func Example() {
	dev := new(tunDevice)
	var logger netlog.Logger // sends to http://127.0.0.1:8641
	logger.OnRecord = func(m *netlog.Message) {
		for _, c := range m.VirtualTraffic {
			fmt.Println(c.Tuple, c.TxPackets, "packets sent,", c.RxPackets, "received")
		}
	}
	logger.NoUpload = true // for this example: there is no server

	err := logger.Startup(logtail.PrivateID{}, logtail.PrivateID{}, dev, &netlog.RouteConfig{
		LocalAddrs: []netip.Prefix{netip.MustParsePrefix("100.64.0.1/32")},
		Routes:     []netip.Prefix{netip.MustParsePrefix("100.64.0.2/32")},
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	buf := make([]byte, 1500) // traffic passes
	dev.Read(buf)
	dev.Read(buf)
	dev.Write(reply)

	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := logger.Shutdown(ctx); err != nil {
		fmt.Println("records left behind:", err)
	}
	// Output: ICMPv4 100.64.0.1:0 -> 100.64.0.2:0 2 packets sent, 1 received
}
