package doubleentry

import (
	"encoding/json"
	"math"
	"os"
	"slices"
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
	qt.Assert(t, verifyLines(t, m).Findings, qt.HasLen, 0)
	sums := sumsOf(t, m)
	for _, n := range m.Nodes {
		for i, line := range n.Lines {
			for j, c := range flowsOf(t, line) {
				if sums.isHub(n, c.Tuple) {
					continue // a hub is an observer
				}
				for name, all := range sums.leastChanges(n, c.Tuple) {
					for _, by := range all {
						if by < 0 && countOf(&c.Counts, name) < uint64(-by) {
							continue // not that many in this window
						}
						n.Lines[i] = meshtest.ChangeCount(line, j, name, by)
						b := verifyLines(t, m)
						qt.Assert(t, b.Findings, qt.Not(qt.HasLen), 0,
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

// nodeFlow is a flow as one node reports it.
type nodeFlow struct {
	node *meshtest.Node
	flowtrack.Tuple
}

// nodeSums holds the sums of all records.
type nodeSums map[nodeFlow]tunstats.Counts

func sumsOf(t *testing.T, m *meshtest.Mesh) nodeSums {
	sums := make(nodeSums)
	for _, n := range m.Nodes {
		for _, line := range n.Lines {
			for _, c := range flowsOf(t, line) {
				k := nodeFlow{n, c.Tuple}
				sums[k] = sums[k].Add(c.Counts)
			}
		}
	}
	return sums
}

// isHub reports whether n reports both sides of t.
func (s nodeSums) isHub(n *meshtest.Node, t flowtrack.Tuple) bool {
	_, there := s[nodeFlow{n, t}]
	_, back := s[nodeFlow{n, reversed(t)}]
	return there && back
}

// leastChanges returns by how much each count that n reports of t must change to be found.
func (s nodeSums) leastChanges(n *meshtest.Node, t flowtrack.Tuple) map[string][]int64 {
	e := s[nodeFlow{n, t}]
	var o tunstats.Counts // of the other end
	for k, c := range s {
		if k.Tuple == reversed(t) && !s.isHub(k.node, t) {
			o = c
		}
	}
	allowed := func(sent int64) int64 { return int64(math.Ceil(float64(sent) * options.Loss / 100)) }
	grow := func(sent, recv uint64) (k int64) { // of sent
		for k = 1; int64(sent-recv)+k <= allowed(int64(sent)+k); k++ {
		}
		return k
	}
	txLost, rxLost := int64(e.TxPackets-o.RxPackets), int64(o.TxPackets-e.RxPackets)
	m := map[string][]int64{
		"txPkts": {grow(e.TxPackets, o.RxPackets), -txLost - 1},
		"rxPkts": {rxLost + 1, rxLost - allowed(int64(o.TxPackets)) - 1},
	}
	if txLost == 0 {
		m["txBytes"] = []int64{1, -1}
	}
	if rxLost == 0 {
		m["rxBytes"] = []int64{1, -1}
	}
	return m
}

// options are the defaults of the command.
var options = Options{Loss: 5, Slack: time.Second}

func verifyLines(t *testing.T, m *meshtest.Mesh) *Report { return verifyWith(t, m, options) }

// verifyWith is verifyLines with other options.
func verifyWith(t *testing.T, m *meshtest.Mesh, opt Options) *Report {
	dir := m.Write(t)
	r, err := Check((&records.Input{Paths: []string{dir}}).Records, opt)
	qt.Assert(t, err, qt.IsNil)
	qt.Assert(t, os.RemoveAll(dir), qt.IsNil)
	return r
}

// has reports whether r has a finding of a kind.
func has(r *Report, kind string) bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Kind == kind })
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
