package page

import (
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/internal/records"
	"github.com/go-netlog/netlog/record"
	"github.com/go-netlog/netlog/tunstats"
)

// maxHeap is what the doc of the package promises.
const maxHeap = 128 << 20

// heap returns the bytes of live objects.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// busy adds an hour of the traffic of nodes to a store. Each flow is between two nodes and in every step, unless
// there are too many flows for that: then each is in one step.
func busy(s *store, nodes, flows int, always bool) (end time.Time) {
	start := time.Unix(1_800_000_000, 0)
	records := make([]records.Record, nodes)
	node := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{100, 64, byte(i >> 8), byte(i)}) }
	for step := range hourSteps {
		end = start.Add(time.Duration(step+1) * stepSeconds * time.Second)
		for i := range records {
			records[i].Logtail = record.Meta{ID: nodeID(i) + fmt.Sprint(i), ProcID: 1, ProcSeq: uint64(step + 1), ClientTime: end}
			records[i].Start, records[i].End = end.Add(-5*time.Second), end
			records[i].VirtualTraffic = records[i].VirtualTraffic[:0]
		}
		for f := range flows {
			if !always && f%hourSteps != step {
				continue
			}
			from, to := f%nodes, (f+1+f/nodes)%nodes
			cc := record.ConnectionCounts{
				Tuple:  flowtrack.Tuple{Proto: flowtrack.TCP, Src: netip.AddrPortFrom(node(from), uint16(1024+f)), Dst: netip.AddrPortFrom(node(to), 443)},
				Counts: tunstats.Counts{TxPackets: 10, TxBytes: uint64(1000 + f), RxPackets: 20, RxBytes: uint64(20000 + f*step%9999)},
			}
			records[from].VirtualTraffic = append(records[from].VirtualTraffic, cc)
			records[to].VirtualTraffic = append(records[to].VirtualTraffic, cc.Reverse())
		}
		for i := range records {
			s.add(&records[i], end)
		}
		s.sweep(stepOf(end))
	}
	return end
}

// TestHeapBounded measures the heap for 200 nodes with 10,000 flows that last an hour, and with 2,000,000 flows.
func TestHeapBounded(t *testing.T) {
	if testing.Short() || os.Getenv("NETLOG_PAGE") == "" {
		t.Skip("NETLOG_PAGE is not set")
	}
	for _, test := range []struct {
		flows  int
		always bool
	}{{10_000, true}, {2_000_000, false}} {
		c := qt.New(t)
		before := heap()
		s := newStore()
		begin := time.Now()
		end := busy(s, 200, test.flows, test.always)
		added, took := heap()-before, time.Since(begin)
		q, err := parseQuery(map[string][]string{"range": {"1h"}})
		c.Assert(err, qt.IsNil)
		begin = time.Now()
		a := s.answer(q, end, nil)
		t.Logf("%d flows: heap %d MiB, samples %d MiB, added in %v, answered in %v, %d flows matched", test.flows, added>>20, s.bytes>>20, took, time.Since(begin), a.Matched)
		c.Check(added < maxHeap, qt.IsTrue)
		if test.always {
			c.Check(a.Matched, qt.Equals, test.flows)
			c.Check(a.Classes[0].Bytes > 0, qt.IsTrue)
		}
		c.Check(s.reports <= maxReports, qt.IsTrue)
		runtime.KeepAlive(s)
	}
}
