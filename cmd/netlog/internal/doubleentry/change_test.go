package doubleentry

import (
	"encoding/json"
	"math"
	"os"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/cmd/netlog/internal/meshtest"
	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/internal/racetest"
	"github.com/go-netlog/netlog/internal/records"
	"github.com/go-netlog/netlog/record"
	"github.com/go-netlog/netlog/tunstats"
)

// TestCheckFindsSmallestChanges changes each count of each record by the least that must
// be found.
func TestCheckFindsSmallestChanges(t *testing.T) {
	racetest.Skip(t) // one goroutine, and slow
	for _, test := range []struct {
		name string
		loss float64
	}{{"nothing lost", 0}, {"one in a hundred lost", 0.01}} {
		t.Run(test.name, func(t *testing.T) {
			m := meshtest.HubAndSpoke()
			for _, f := range m.Flows {
				f.Loss = test.loss
			}
			m.Run(13 * time.Second)
			m.Finish()
			qt.Check(t, everyChange(t, m) > 50, qt.IsTrue)
		})
	}
}

// everyChange makes the smallest changes that must be found, one at a time, and
// returns how many there were.
func everyChange(t *testing.T, m *meshtest.Mesh) (changes int) {
	base := verifyLines(t, m)
	qt.Assert(t, base.findings, qt.HasLen, 0)
	for _, n := range m.Nodes {
		for i, line := range n.Lines {
			for j, c := range flowsOf(t, line) {
				e := base.accounts[account{base.byID[n.ID], c.Tuple}]
				if e.transit {
					continue // a hub is an observer
				}
				for name, all := range leastChanges(base, c.Tuple, e) {
					for _, by := range all {
						if by < 0 && countOf(&c.Counts, name) < uint64(-by) {
							continue // not that many in this window
						}
						n.Lines[i] = meshtest.ChangeCount(line, j, name, by)
						b := verifyLines(t, m)
						qt.Assert(t, b.findings, qt.Not(qt.HasLen), 0,
							qt.Commentf("%s line %d, %v: %s changed by %d", n.Name, i+1, c.Tuple, name, by))
						n.Lines[i] = line
						changes++
					}
				}
			}
		}
	}
	t.Logf("%d changes found", changes)
	return changes
}

// leastChanges returns by how much each count of a flow must change to be found.
func leastChanges(b *books, t flowtrack.Tuple, e *entries) map[string][]int64 {
	var o *entries // the other end
	for _, a := range b.flows[inOrder(t)] {
		if a.Src == t.Dst && !b.accounts[a].transit {
			o = b.accounts[a]
		}
	}
	grow := func(sent, recv uint64) (k int64) { // of sent
		for k = 1; int64(sent-recv)+k <= int64(math.Ceil(float64(int64(sent)+k)*b.Loss/100)); k++ {
		}
		return k
	}
	txLost, rxLost := int64(e.all.TxPackets-o.all.RxPackets), int64(o.all.TxPackets-e.all.RxPackets)
	m := map[string][]int64{
		"txPkts": {grow(e.all.TxPackets, o.all.RxPackets), -txLost - 1},
		"rxPkts": {rxLost + 1, rxLost - int64(math.Ceil(float64(o.all.TxPackets)*b.Loss/100)) - 1},
	}
	if txLost == 0 {
		m["txBytes"] = []int64{1, -1}
	}
	if rxLost == 0 {
		m["rxBytes"] = []int64{1, -1}
	}
	return m
}

func verifyLines(t *testing.T, m *meshtest.Mesh) *books { return verifyBooks(t, m, func(*books) {}) }

// verifyBooks is verifyLines with other settings.
func verifyBooks(t *testing.T, m *meshtest.Mesh, set func(*books)) *books {
	b := newBooks(Options{})
	b.Loss, b.Slack = 5, 1e9
	set(b)
	dir := m.Write(t)
	qt.Assert(t, b.read((&records.Input{Paths: []string{dir}}).Records), qt.IsNil)
	b.check()
	qt.Assert(t, os.RemoveAll(dir), qt.IsNil)
	return b
}

func flowsOf(t *testing.T, line string) []record.ConnectionCounts {
	var rec records.Record
	qt.Assert(t, json.Unmarshal([]byte(line), &rec), qt.IsNil)
	return append(append([]record.ConnectionCounts(nil), rec.VirtualTraffic...), rec.SubnetTraffic...)
}

func countOf(c *tunstats.Counts, name string) uint64 {
	switch name {
	case "txPkts":
		return c.TxPackets
	case "txBytes":
		return c.TxBytes
	case "rxPkts":
		return c.RxPackets
	}
	return c.RxBytes
}
