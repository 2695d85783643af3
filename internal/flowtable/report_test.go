package flowtable

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/internal/records"
	"github.com/go-netlog/netlog/record"
	"github.com/go-netlog/netlog/tunstats"
)

// TestCountOnceAsRows checks that CountOnce counts flows as a Table does, and that the reports it
// counted add up to its row.
func TestCountOnceAsRows(t *testing.T) {
	c := qt.New(t)
	random := rand.New(rand.NewPCG(1, 2))
	var table Table
	flows := make(map[FlowKey][]Report)
	for node := range uint32(6) {
		var r records.Record
		r.NodeID = fmt.Sprint(node)
		seen := make(map[key]bool)
		for range 40 {
			cc := record.ConnectionCounts{
				Tuple: flowtrack.Tuple{Proto: flowtrack.TCP, Src: addrPort(random), Dst: addrPort(random)},
				Counts: tunstats.Counts{TxPackets: 1, TxBytes: random.Uint64N(100), RxPackets: 1, RxBytes: random.Uint64N(100),
					TxFlags: tunstats.TCPFlags(random.UintN(8)), RxFlags: tunstats.TCPFlags(random.UintN(32))},
			}
			class := Class(random.UintN(uint(numClasses)))
			if k := (key{class: class, Tuple: cc.Tuple}); seen[k] {
				continue
			} else {
				seen[k] = true
			}
			list := class.list(&r.Message)
			*list = append(*list, cc)
			report := Report{Node: node, Class: class, Tuple: cc.Tuple}
			report.Add(cc.Counts, r.Start)
			flows[report.Key()] = append(flows[report.Key()], report)
		}
		table.Add(&r)
	}
	want := make(map[Row]int)
	for _, r := range table.Rows() {
		want[r]++
	}
	several := 0
	for _, reports := range flows {
		row, node, n := CountOnce(reports)
		row.Reporter = fmt.Sprint(node)
		want[row]--
		var sum tunstats.Counts
		for _, r := range reports[:n] {
			sum = sum.Add(r.Counts)
		}
		c.Check(sum.TxBytes+sum.RxBytes, qt.Equals, row.Bytes())
		several += len(reports) - 1
	}
	for row, n := range want {
		c.Check(n, qt.Equals, 0, qt.Commentf("%+v", row))
	}
	c.Check(several > 50, qt.IsTrue)
}

// addrPort returns one of a few sides, so that several nodes report the same flows.
func addrPort(random *rand.Rand) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{100, 64, 0, byte(random.UintN(3))}), uint16(random.UintN(2)))
}
