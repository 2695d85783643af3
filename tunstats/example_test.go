package tunstats_test

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/go-netlog/netlog/tunstats"
)

// tunnel stands for the tun.Device of wireguard-go.
type tunnel interface {
	Read(bufs [][]byte, sizes []int, offset int) (n int, err error)
	Write(bufs [][]byte, offset int) (int, error)
}

// device counts what goes through the tunnel inside.
type device struct {
	tunnel
	tunstats.Meter
}

func (d *device) Read(bufs [][]byte, sizes []int, offset int) (int, error) {
	n, err := d.tunnel.Read(bufs, sizes, offset)
	d.UpdateTxBatch(bufs, sizes[:n], offset) // packets may come together with an error
	return n, err
}

func (d *device) Write(bufs [][]byte, offset int) (int, error) {
	d.UpdateRxBatch(bufs, offset) // first: the inner Write may change the buffers
	return d.tunnel.Write(bufs, offset)
}

// A wrapper that embeds a Meter is a Device of a netlog.Logger, which calls the
// last three methods.
func Example() {
	d := &device{tunnel: echo{}}

	d.SetStatisticsEnabled(true)
	bufs, sizes := [][]byte{make([]byte, 1500)}, []int{0}
	if _, err := d.Read(bufs, sizes, 0); err != nil {
		fmt.Println(err)
	}
	if _, err := d.Write([][]byte{bufs[0][:sizes[0]]}, 0); err != nil {
		fmt.Println(err)
	}
	d.SetStatisticsEnabled(false)

	for flow, counts := range d.ExtractStatistics() {
		fmt.Println(flow, counts.TxBytes, counts.RxBytes)
	}
	// Output: TCP 100.64.0.1:22 -> 100.64.0.1:22 40 40
}

func ExampleStatistics_maxFlows() {
	node, peer := netip.MustParseAddr("100.64.0.1"), netip.MustParseAddr("100.64.0.2")
	s := tunstats.Statistics{MaxFlows: 4}
	for port := range uint16(1000) { // a port scan
		s.UpdateTx(tcp(node, peer, 50000, 1+port))
	}
	fmt.Println(s.Stats().FoldedPackets, "packets without an entry of their own")
	m := s.Extract()
	var lines []string
	for flow := range maps.Keys(m) {
		lines = append(lines, fmt.Sprint(flow, " ", m[flow].TxPackets))
	}
	slices.Sort(lines)
	for _, line := range lines {
		fmt.Println(line)
	}
	// Output:
	// 996 packets without an entry of their own
	// TCP 100.64.0.1:0 -> 100.64.0.2:0 996
	// TCP 100.64.0.1:50000 -> 100.64.0.2:1 1
	// TCP 100.64.0.1:50000 -> 100.64.0.2:2 1
	// TCP 100.64.0.1:50000 -> 100.64.0.2:3 1
	// TCP 100.64.0.1:50000 -> 100.64.0.2:4 1
}

// echo is a tunnel through which a node talks to itself.
type echo struct{}

func (echo) Read(bufs [][]byte, sizes []int, offset int) (int, error) {
	self := netip.MustParseAddr("100.64.0.1")
	sizes[0] = copy(bufs[0][offset:], tcp(self, self, 22, 22))
	return 1, nil
}

func (echo) Write(bufs [][]byte, offset int) (int, error) { return len(bufs), nil }
