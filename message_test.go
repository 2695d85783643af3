package netlog_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/tunstats"
)

func TestAClonedMessageSharesNothing(t *testing.T) {
	addr := netip.MustParseAddr
	traffic := func(n uint64) []netlog.ConnectionCounts {
		return []netlog.ConnectionCounts{{Tuple: flowtrack.Tuple{Proto: 6}, Counts: tunstats.Counts{TxBytes: n}}}
	}
	m := &netlog.Message{
		NodeID:          "n1",
		SrcNode:         netlog.Node{Addresses: []netip.Addr{addr("100.64.0.1")}, Tags: []string{"a"}},
		DstNodes:        []netlog.Node{{Addresses: []netip.Addr{addr("100.64.0.2")}, Tags: []string{"b"}}},
		VirtualTraffic:  traffic(1),
		SubnetTraffic:   traffic(2),
		ExitTraffic:     traffic(3),
		PhysicalTraffic: traffic(4),
	}
	text := func(m *netlog.Message) string {
		b, err := json.Marshal(m)
		qt.Assert(t, err, qt.IsNil)
		return string(b)
	}
	before := text(m)
	c := m.Clone()
	qt.Check(t, text(c), qt.Equals, before)

	for _, n := range []netlog.Node{m.SrcNode, m.DstNodes[0]} {
		n.Addresses[0], n.Tags[0] = addr("::1"), "changed"
	}
	m.DstNodes[0].Name = "changed"
	for _, traffic := range [][]netlog.ConnectionCounts{m.VirtualTraffic, m.SubnetTraffic, m.ExitTraffic, m.PhysicalTraffic} {
		traffic[0].TxBytes = 99
	}
	qt.Check(t, text(c), qt.Equals, before)
	qt.Check(t, text(m), qt.Not(qt.Equals), before)

	var none netlog.Message
	qt.Check(t, text(none.Clone()), qt.Equals, "{}")
}

func TestConnectionsPrintTheirCountsToo(t *testing.T) {
	c := netlog.ConnectionCounts{
		Tuple:  flowtrack.Tuple{Proto: flowtrack.UDP, Src: netip.MustParseAddrPort("10.0.0.2:53"), Dst: netip.MustParseAddrPort("10.0.0.3:4000")},
		Counts: tunstats.Counts{TxPackets: 1, TxBytes: 60, RxPackets: 2, RxBytes: 120},
	}
	qt.Check(t, fmt.Sprint(c), qt.Equals, "UDP 10.0.0.2:53 -> 10.0.0.3:4000 tx 1/60 rx 2/120")
}
