package main

import (
	"math/rand/v2"
	"net/netip"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/tunstats"
)

// network is a realistic node's view: one local address and 200 peers, of which
// few are talked to much (Zipf's law), in the networks that routes lead to.
type network struct {
	local  netip.Addr
	peers  []netip.Addr
	routes *netlog.RouteConfig
}

const peerCount = 200

// services are the ports that one side of each flow has.
var services = []struct {
	proto flowtrack.Proto
	port  uint16
}{
	{flowtrack.TCP, 443}, {flowtrack.TCP, 443}, {flowtrack.TCP, 443}, {flowtrack.TCP, 22},
	{flowtrack.UDP, 53}, {flowtrack.TCP, 80}, {flowtrack.TCP, 8080}, {flowtrack.TCP, 5432},
}

// newNetwork returns a network of n prefixes, none of which touches another: the
// VPN's own, and subnets behind its nodes. The peers are spread over all of them.
func newNetwork(n int) *network {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	w := &network{local: netip.MustParseAddr("100.101.102.103")}
	w.routes = &netlog.RouteConfig{
		LocalAddrs: []netip.Prefix{netip.PrefixFrom(w.local, 32)},
		Routes:     []netip.Prefix{netip.MustParsePrefix("100.64.0.0/10")},
	}
	for i := range n - 1 {
		subnet := netip.AddrFrom4([4]byte{10, byte(i >> 7), byte(i << 1), 0})
		w.routes.Routes = append(w.routes.Routes, netip.PrefixFrom(subnet, 24))
	}
	for range peerCount {
		p := w.routes.Routes[r.IntN(n)]
		a := p.Addr().As4()
		if p.Bits() < 24 {
			a[1], a[2] = a[1]|byte(r.IntN(64)), byte(r.IntN(256))
		}
		a[3] = byte(1 + r.IntN(254))
		w.peers = append(w.peers, netip.AddrFrom4(a))
	}
	return w
}

// tuples returns n distinct flows: either side may be the one with the service.
func (w *network) tuples(n int) []flowtrack.Tuple {
	r := rand.New(rand.NewPCG(2, uint64(n)))
	zipf := rand.NewZipf(r, 1.2, 1, peerCount-1)
	seen := make(map[flowtrack.Tuple]bool, n)
	list := make([]flowtrack.Tuple, 0, n)
	for len(list) < n {
		service := services[r.IntN(len(services))]
		here, there := service.port, uint16(32768+r.IntN(28232)) // Linux's ephemeral ports
		if r.IntN(2) == 0 {
			here, there = there, here
		}
		t := flowtrack.Tuple{
			Proto: service.proto,
			Src:   netip.AddrPortFrom(w.local, here),
			Dst:   netip.AddrPortFrom(w.peers[zipf.Uint64()], there),
		}
		if !seen[t] {
			seen[t] = true
			list = append(list, t)
		}
	}
	return list
}

// sizing gives the bytes of a packet of a flow, sent and received.
type sizing func(r *rand.Rand) (tx, rx uint64)

// bulk is acknowledgements in one direction and full packets in the other. mixed
// is any size, drawn for each flow and window: nothing in the byte counts can be
// compressed, which is the worst case.
func bulk(*rand.Rand) (tx, rx uint64) { return 40, 1400 }

func mixed(r *rand.Rand) (tx, rx uint64) {
	return 40 + uint64(r.IntN(1400)), 40 + uint64(r.IntN(1400))
}

// count returns tuples with fresh counts: packets are distributed exponentially,
// ten in the mean.
func count(tuples []flowtrack.Tuple, size sizing, seed uint64) map[flowtrack.Tuple]tunstats.Counts {
	r := rand.New(rand.NewPCG(3, seed))
	flows := make(map[flowtrack.Tuple]tunstats.Counts, len(tuples))
	for _, t := range tuples {
		tx, rx := size(r)
		c := tunstats.Counts{
			TxPackets: 1 + uint64(r.ExpFloat64()*10),
			RxPackets: 1 + uint64(r.ExpFloat64()*10),
		}
		c.TxBytes, c.RxBytes = c.TxPackets*tx, c.RxPackets*rx
		flows[t] = c
	}
	return flows
}

// beginAndEnd gives one flow in ten the TCP flags of a connection that begins or ends in the
// window: half as many are whole connections, and a few are refused.
func beginAndEnd(flows map[flowtrack.Tuple]tunstats.Counts, tuples []flowtrack.Tuple, seed uint64) {
	const fin, syn, rst, ack = tunstats.FIN, tunstats.SYN, tunstats.RST, tunstats.ACK
	kinds := [...][2]tunstats.TCPFlags{{syn, syn | ack}, {syn, syn | ack}, {fin, fin}, {fin, fin}, {syn | fin, syn | ack | fin}, {syn | fin, syn | ack | fin}, {syn, rst}, {rst, 0}}
	r := rand.New(rand.NewPCG(4, seed))
	for _, t := range tuples {
		if r.IntN(10) == 0 {
			c := flows[t]
			kind := kinds[r.IntN(len(kinds))]
			c.TxFlags, c.RxFlags = kind[0], kind[1]
			flows[t] = c
		}
	}
}
