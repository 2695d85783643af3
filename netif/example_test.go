package netif_test

import (
	"context"
	"fmt"
	"time"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/netif"
)

// Print the flows of an interface for a minute, following its routes. This needs CAP_NET_RAW.
func Example() {
	wg0, err := netif.Open("wg0", netif.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer wg0.Close()
	routes, err := netif.Routes("wg0")
	if err != nil {
		fmt.Println(err)
		return
	}
	logger := netlog.Logger{
		NoUpload: true,
		OnRecord: func(m *netlog.Message) {
			for _, c := range m.VirtualTraffic {
				fmt.Println(c.Tuple, c.TxBytes, "bytes sent", c.RxBytes, "received")
			}
		},
	}
	if err := logger.Startup(logtail.PrivateID{}, logtail.PrivateID{}, wg0, routes); err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := netif.Follow(ctx, "wg0", logger.ReconfigRoutes, nil); err != nil { // until ctx ends
		fmt.Println(err)
		<-ctx.Done() // changes cannot be followed
	}
	logger.Shutdown(context.Background()) // waits for no server, because of NoUpload
	fmt.Println(wg0.LostPackets(), "packets lost")
}
