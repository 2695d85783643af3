package doubleentry

import (
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/cmd/netlog/internal/meshtest"
	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/internal/records"
	"github.com/go-netlog/netlog/record"
)

// complete are options for the records of all nodes.
var complete = Options{Loss: 5, Slack: time.Second, Complete: true}

func TestCheckFindsRemovedRecord(t *testing.T) {
	m := meshtest.Finished(meshtest.HubAndSpoke())
	for _, n := range m.Nodes {
		lines := n.Lines
		for i := range lines[:len(lines)-1] {
			n.Lines = append(append([]string(nil), lines[:i]...), lines[i+1:]...)
			r := verifyWith(t, m, complete)
			qt.Check(t, has(r, "sequence gap"), qt.IsTrue, qt.Commentf("%s line %d", n.Name, i+1))
		}
		n.Lines = lines
	}
}

func TestCheckFoldedPorts(t *testing.T) {
	m := meshtest.TwoNodes()
	for i := range 5 {
		m.Flow(fmt.Sprintf(":%d", 50000+i), ":443", "a", "b")
	}
	meshtest.Finished(m)
	b := m.Node("b")
	for i, l := range b.Lines {
		for p := range 5 {
			l = strings.ReplaceAll(l, fmt.Sprintf("100.64.0.1:5000%d", p), "100.64.0.1:0")
		}
		b.Lines[i] = strings.ReplaceAll(l, "100.64.0.2:443", "100.64.0.2:0")
	}
	qt.Check(t, verifyLines(t, m).Findings, qt.HasLen, 0)
	b.Lines[5] = meshtest.ChangeCount(b.Lines[5], 0, "rxPkts", 1)
	qt.Check(t, verifyLines(t, m).Findings, qt.HasLen, 1)
}

// TestCheckSumsSmallFlows checks that many flows of one packet cannot hide behind the one
// packet that each may lose.
func TestCheckSumsSmallFlows(t *testing.T) {
	m := meshtest.New("a", "b")
	big := m.Flow(":40000", ":443", "a", "b")
	big.Rate = 1
	for _, n := range m.Nodes {
		n.Start(m.Now)
	}
	for i := range 100 {
		f := m.Flow(fmt.Sprintf(":%d", 50000+i), ":53", "a", "b")
		f.Proto, f.Rate = flowtrack.UDP, 0
		m.Send(f, 60, false)
	}
	meshtest.Finished(m)
	qt.Assert(t, verifyLines(t, m).Findings, qt.HasLen, 0)
	b := m.Node("b")
	for i := range 6 {
		b.Lines[0] = meshtest.RemoveFlow(b.Lines[0], fmt.Sprintf("100.64.0.1:%d", 50000+i))
		findings := verifyLines(t, m).Findings
		qt.Check(t, len(findings) > 0, qt.Equals, i == 5, qt.Commentf("%d of 100 flows are gone: %v", i+1, findings))
	}
}

// TestCheckSumsLastMissing checks that a finding about a sum ends with a line of the node that it names, although
// that node does not report the last of the flows.
func TestCheckSumsLastMissing(t *testing.T) {
	m := meshtest.New("a", "b")
	for _, n := range m.Nodes {
		n.Start(m.Now)
	}
	for i := range 20 {
		f := m.Flow(fmt.Sprintf(":%d", 50000+i), ":53", "a", "b")
		f.Proto, f.Rate = flowtrack.UDP, 0
		m.Send(f, 60, false)
	}
	meshtest.Finished(m)
	b := m.Node("b")
	for i := range 10 {
		b.Lines[0] = meshtest.RemoveFlow(b.Lines[0], fmt.Sprintf("100.64.0.1:%d", 50010+i))
	}
	findings := verifyLines(t, m).Findings
	qt.Assert(t, findings, qt.HasLen, 1)
	qt.Check(t, findings[0].Text, qt.Matches, `all flows of .*, received 10 packets, 600 bytes \(node .*, .*/b\.ndjson:1\)`)
}

func TestHubStandsForMissingNode(t *testing.T) {
	m := meshtest.Finished(meshtest.HubAndSpoke())
	m.Node("spoke2").Lines = nil
	qt.Assert(t, verifyLines(t, m).Findings, qt.HasLen, 0)
	s := m.Node("spoke1")
	s.Lines[3] = meshtest.ChangeCount(s.Lines[3], 0, "rxPkts", 1)
	b := verifyLines(t, m)
	qt.Assert(t, b.Findings, qt.HasLen, 1)
	qt.Check(t, b.Findings[0].Text, qt.Contains, "TCP 100.64.0.3:443 -> 100.64.0.2:40000")
}

// TestCheckGrowingFiles adds records between the two readings: with a new number, process
// and node, and without a number.
func TestCheckGrowingFiles(t *testing.T) {
	m := meshtest.Finished(meshtest.TwoNodes())
	a, b := m.Node("a"), m.Node("b")
	unnumbered := func(_ int, rec map[string]any) {
		delete(meshtest.Meta(rec), "proc_id")
		delete(meshtest.Meta(rec), "proc_seq")
	}
	other := meshtest.Finished(meshtest.TwoNodes()).Node("b")
	other.Lines = other.Lines[:3]
	meshtest.EachLine(unnumbered)(b)
	want := verifyLines(t, m)
	readings := 0
	got, err := Check(func() iter.Seq2[*records.Record, error] {
		if readings++; readings == 2 {
			late := meshtest.New("b", "a", "c")
			late.Flow(":1", ":2", "c", "a")
			meshtest.Finished(late)
			a.Lines = append(a.Lines, strings.Replace(a.Lines[3], `"proc_seq":4`, `"proc_seq":99`, 1),
				strings.Replace(a.Lines[3], `"proc_id":1000`, `"proc_id":7`, 1))
			meshtest.EachLine(unnumbered)(other)
			b.Lines = append(b.Lines, other.Lines[0], strings.ReplaceAll(other.Lines[1], "100.64.0.1:40000", "100.64.0.1:9"))
			m.Nodes = append(m.Nodes, late.Node("c"))
		}
		return (&records.Input{Paths: []string{m.Write(t)}}).Records()
	}, options)
	qt.Assert(t, err, qt.IsNil)
	qt.Check(t, readings, qt.Equals, 2)
	qt.Check(t, got.Findings, qt.HasLen, 0)
	qt.Check(t, got, qt.DeepEquals, want)
}

// TestCheckManyGaps has a process with more gaps than are remembered. A record that closes one of the others is
// no repetition.
func TestCheckManyGaps(t *testing.T) {
	all := func() iter.Seq2[*records.Record, error] {
		return func(yield func(*records.Record, error) bool) {
			const odd = 70_000
			for i := range uint64(odd + 1) {
				seq := 2*i + 1
				if i == odd {
					seq = 2
				}
				rec := &records.Record{Raw: fmt.Appendf(nil, "%d", seq)}
				rec.Logtail = record.Meta{ID: "a", ProcID: 1, ProcSeq: seq}
				if !yield(rec, nil) {
					return
				}
			}
		}
	}
	r, err := Check(all, options)
	qt.Assert(t, err, qt.IsNil)
	qt.Check(t, has(r, "sequence gap"), qt.IsTrue)
	qt.Check(t, has(r, "sequence number used twice"), qt.IsFalse)
}

// TestCheckYearZero checks the times of a node whose records have times before the zero time.
func TestCheckYearZero(t *testing.T) {
	m := meshtest.Finished(meshtest.TwoNodes())
	meshtest.EachLine(func(_ int, rec map[string]any) {
		rec["start"], rec["end"] = "0000-01-01T00:00:00Z", "0000-01-01T00:00:05Z"
	})(m.Node("b"))
	qt.Check(t, verifyLines(t, m).Nodes[1], qt.Contains, ": 0000-01-01 00:00:00 to 0000-01-01 00:00:05, ")
}

// TestCheckDeniedLeftOut: what a filter denied is in no books, even of addresses that nobody keeps.
func TestCheckDeniedLeftOut(t *testing.T) {
	m := meshtest.Finished(meshtest.HubAndSpoke())
	want := verifyWith(t, m, complete)
	for _, n := range m.Nodes {
		for i, l := range n.Lines {
			denied := fmt.Sprintf(`"deniedTraffic":[{"proto":6,"src":"100.64.0.2:22","dst":"100.64.0.%d:1","rxPkts":9,"rxBytes":540,"rxFlags":2},{"txPkts":1}]`, i)
			n.Lines[i] = strings.TrimSuffix(l, "}") + "," + denied + "}"
		}
	}
	got := verifyWith(t, m, complete)
	qt.Check(t, got, qt.DeepEquals, want)
}
