package tunstats_test

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"github.com/go-netlog/netlog/tunstats"
)

// The first two packets of a TCP connection from 100.64.0.1, port 50000, to 100.64.0.2, port 443.
var (
	syn = []byte{
		0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0, 100, 64, 0, 1, 100, 64, 0, 2,
		0xc3, 0x50, 1, 0xbb, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 0x02, 0xff, 0xff, 0, 0, 0, 0,
	}
	synAck = []byte{
		0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0, 100, 64, 0, 2, 100, 64, 0, 1,
		1, 0xbb, 0xc3, 0x50, 0, 0, 0, 0, 0, 0, 0, 1, 0x50, 0x12, 0xff, 0xff, 0, 0, 0, 0,
	}
)

// tunnel has two methods of wireguard-go's tun.Device.
type tunnel interface {
	Read(bufs [][]byte, sizes []int, offset int) (n int, err error)
	Write(bufs [][]byte, offset int) (int, error)
}

// device counts the packets of a tunnel.
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

// A tunnel that embeds a Meter is a netlog.Device. A netlog.Logger calls SetStatisticsEnabled and
// ExtractStatistics.
func Example() {
	d := &device{tunnel: small{}}

	d.SetStatisticsEnabled(true)
	bufs, sizes := [][]byte{make([]byte, 1500)}, []int{0}
	if _, err := d.Read(bufs, sizes, 0); err != nil {
		fmt.Println(err)
	}
	if _, err := d.Write([][]byte{synAck}, 0); err != nil {
		fmt.Println(err)
	}
	d.SetStatisticsEnabled(false)

	for flow, counts := range d.ExtractStatistics() {
		fmt.Println(flow, counts.TxBytes, counts.RxBytes, counts.TxFlags, counts.RxFlags)
	}
	// Output: TCP 100.64.0.1:50000 -> 100.64.0.2:443 40 40 S SA
}

func ExampleStatistics_maxFlows() {
	s := tunstats.Statistics{MaxFlows: 4}
	probe := slices.Clone(syn)
	for port := range uint16(1000) { // a port scan
		binary.BigEndian.PutUint16(probe[22:], 1+port)
		s.UpdateTx(probe)
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

// A goroutine that extracts the counters can sleep until there are any.
func ExampleMeter_NotifyActivity() {
	var m tunstats.Meter
	m.SetStatisticsEnabled(true)
	awake := make(chan struct{}, 1)
	m.NotifyActivity(func() {
		select {
		case awake <- struct{}{}:
		default: // it is awake already
		}
	})
	m.UpdateTx(syn)

	<-awake
	fmt.Println(len(m.ExtractStatistics()), "flow")
	// Output: 1 flow
}

// small is a tunnel through which the host sends one packet at a time.
type small struct{}

func (small) Read(bufs [][]byte, sizes []int, offset int) (int, error) {
	sizes[0] = copy(bufs[0][offset:], syn)
	return 1, nil
}

func (small) Write(bufs [][]byte, offset int) (int, error) { return len(bufs), nil }
