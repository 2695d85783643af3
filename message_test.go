package netlog_test

import (
	"encoding/json"
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
