package record_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/record"
	"github.com/go-netlog/netlog/tunstats"
)

func TestCloneSharesNothing(t *testing.T) {
	addr := netip.MustParseAddr
	traffic := func(n uint64) []record.ConnectionCounts {
		return []record.ConnectionCounts{{Tuple: flowtrack.Tuple{Proto: 6}, Counts: tunstats.Counts{TxBytes: n}}}
	}
	m := &record.Message{
		NodeID:          "n1",
		SrcNode:         record.Node{Addresses: []netip.Addr{addr("100.64.0.1")}, Tags: []string{"a"}},
		DstNodes:        []record.Node{{Addresses: []netip.Addr{addr("100.64.0.2")}, Tags: []string{"b"}}},
		VirtualTraffic:  traffic(1),
		SubnetTraffic:   traffic(2),
		ExitTraffic:     traffic(3),
		PhysicalTraffic: traffic(4),
		DeniedTraffic:   traffic(5),
	}
	text := func(m *record.Message) string {
		b, err := json.Marshal(m)
		qt.Assert(t, err, qt.IsNil)
		return string(b)
	}
	before := text(m)
	c := m.Clone()
	qt.Check(t, text(c), qt.Equals, before)

	for _, n := range []record.Node{m.SrcNode, m.DstNodes[0]} {
		n.Addresses[0], n.Tags[0] = addr("::1"), "changed"
	}
	m.DstNodes[0].Name = "changed"
	for _, traffic := range [][]record.ConnectionCounts{m.VirtualTraffic, m.SubnetTraffic, m.ExitTraffic, m.PhysicalTraffic, m.DeniedTraffic} {
		traffic[0].TxBytes = 99
	}
	qt.Check(t, text(c), qt.Equals, before)
	qt.Check(t, text(m), qt.Not(qt.Equals), before)

	var none record.Message
	qt.Check(t, text(none.Clone()), qt.Equals, "{}")
}

func TestConnectionCountsString(t *testing.T) {
	c := record.ConnectionCounts{
		Tuple:  flowtrack.Tuple{Proto: flowtrack.UDP, Src: netip.MustParseAddrPort("10.0.0.2:53"), Dst: netip.MustParseAddrPort("10.0.0.3:4000")},
		Counts: tunstats.Counts{TxPackets: 1, TxBytes: 60, RxPackets: 2, RxBytes: 120},
	}
	qt.Check(t, fmt.Sprint(c), qt.Equals, "UDP 10.0.0.2:53 -> 10.0.0.3:4000 tx 1/60 rx 2/120")
	c.TxFlags, c.RxFlags = tunstats.SYN, tunstats.SYN|tunstats.ACK
	qt.Check(t, fmt.Sprint(c), qt.Equals, "UDP 10.0.0.2:53 -> 10.0.0.3:4000 tx 1/60 S rx 2/120 SA")
}
