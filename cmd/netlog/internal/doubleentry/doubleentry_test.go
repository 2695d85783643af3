package doubleentry

import (
	"fmt"
	"strings"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/cmd/netlog/internal/meshtest"
	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/internal/records"
)

func TestCheckFindsRemovedRecord(t *testing.T) {
	m := meshtest.Finished(meshtest.HubAndSpoke())
	for _, n := range m.Nodes {
		lines := n.Lines
		for i := range lines[:len(lines)-1] {
			n.Lines = append(append([]string(nil), lines[:i]...), lines[i+1:]...)
			b := verifyBooks(t, m, func(b *books) { b.Complete = true })
			found := false
			for _, f := range b.findings {
				found = found || f.Kind == "sequence gap"
			}
			qt.Check(t, found, qt.IsTrue, qt.Commentf("%s line %d", n.Name, i+1))
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
	qt.Check(t, verifyLines(t, m).findings, qt.HasLen, 0)
	b.Lines[5] = meshtest.ChangeCount(b.Lines[5], 0, "rxPkts", 1)
	qt.Check(t, verifyLines(t, m).findings, qt.HasLen, 1)
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
	qt.Assert(t, verifyLines(t, m).findings, qt.HasLen, 0)
	b := m.Node("b")
	for i := range 6 {
		b.Lines[0] = meshtest.RemoveFlow(b.Lines[0], fmt.Sprintf("100.64.0.1:%d", 50000+i))
		findings := verifyLines(t, m).findings
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
	findings := verifyLines(t, m).findings
	qt.Assert(t, findings, qt.HasLen, 1)
	qt.Check(t, findings[0].Text, qt.Matches, `all flows of .*, received 10 packets, 600 bytes \(node .*, .*/b\.ndjson:1\)`)
}

func TestHubStandsForMissingNode(t *testing.T) {
	m := meshtest.Finished(meshtest.HubAndSpoke())
	m.Node("spoke2").Lines = nil
	qt.Assert(t, verifyLines(t, m).findings, qt.HasLen, 0)
	s := m.Node("spoke1")
	s.Lines[3] = meshtest.ChangeCount(s.Lines[3], 0, "rxPkts", 1)
	b := verifyLines(t, m)
	qt.Assert(t, b.findings, qt.HasLen, 1)
	qt.Check(t, b.findings[0].Text, qt.Contains, "TCP 100.64.0.3:443 -> 100.64.0.2:40000")
}

// TestReadGrowingFiles adds records between the two readings: with a new number, process
// and node, and without a number.
func TestReadGrowingFiles(t *testing.T) {
	m := meshtest.Finished(meshtest.TwoNodes())
	a, b := m.Node("a"), m.Node("b")
	unnumbered := func(_ int, rec map[string]any) {
		delete(meshtest.Meta(rec), "proc_id")
		delete(meshtest.Meta(rec), "proc_seq")
	}
	other := meshtest.Finished(meshtest.TwoNodes()).Node("b")
	other.Lines = other.Lines[:3]
	meshtest.EachLine(unnumbered)(b)
	dir := m.Write(t)
	books := newBooks(Options{})
	books.Loss, books.Slack = 5, time.Second
	readAll := func(do func(*records.Record)) {
		for rec, err := range (&records.Input{Paths: []string{dir}}).Records() {
			qt.Assert(t, err, qt.IsNil)
			do(rec)
		}
	}
	readAll(func(rec *records.Record) { books.survey(rec, 0) })
	books.startSecond()
	late := meshtest.New("b", "a", "c")
	late.Flow(":1", ":2", "c", "a")
	meshtest.Finished(late)
	a.Lines = append(a.Lines, strings.Replace(a.Lines[3], `"proc_seq":4`, `"proc_seq":99`, 1),
		strings.Replace(a.Lines[3], `"proc_id":1000`, `"proc_id":7`, 1))
	meshtest.EachLine(unnumbered)(other)
	b.Lines = append(b.Lines, other.Lines[0], strings.ReplaceAll(other.Lines[1], "100.64.0.1:40000", "100.64.0.1:9"))
	m.Nodes = append(m.Nodes, late.Node("c"))
	dir = m.Write(t)
	readAll(books.enter)
	books.check()
	qt.Check(t, books.findings, qt.HasLen, 0)
	qt.Check(t, books.entered, qt.Equals, books.surveyed)
	qt.Check(t, books.nodes, qt.HasLen, 2)
}

// TestCheckDeniedLeftOut: what a filter denied is in no books, even of addresses that nobody keeps.
func TestCheckDeniedLeftOut(t *testing.T) {
	m := meshtest.Finished(meshtest.HubAndSpoke())
	want := verifyBooks(t, m, func(b *books) { b.Complete = true })
	for _, n := range m.Nodes {
		for i, l := range n.Lines {
			denied := fmt.Sprintf(`"deniedTraffic":[{"proto":6,"src":"100.64.0.2:22","dst":"100.64.0.%d:1","rxPkts":9,"rxBytes":540,"rxFlags":2},{"txPkts":1}]`, i)
			n.Lines[i] = strings.TrimSuffix(l, "}") + "," + denied + "}"
		}
	}
	got := verifyBooks(t, m, func(b *books) { b.Complete = true })
	qt.Check(t, got.findings, qt.HasLen, len(want.findings))
	qt.Check(t, got.notes, qt.DeepEquals, want.notes)
	qt.Check(t, []int{got.matched, got.unmatched, got.entered}, qt.DeepEquals, []int{want.matched, want.unmatched, want.entered})
}
