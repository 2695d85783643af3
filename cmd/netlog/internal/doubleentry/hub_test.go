package doubleentry

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/cmd/netlog/internal/meshtest"
	"github.com/go-netlog/netlog/cmd/netlog/internal/names"
	"github.com/go-netlog/netlog/flowtrack"
)

// TestHubsTwoNotUsed has two hubs, of which each may have seen all or a part of the flow.
func TestHubsTwoNotUsed(t *testing.T) {
	for _, test := range []struct {
		name  string
		books []string
		notes []string
		path  []string // of the second part
	}{
		{"the second takes over", []string{"a"}, []string{"100.64.0.4"}, []string{"a", "hub2", "c"}},
		{"between two that keep no books", nil, []string{"100.64.0.3", "100.64.0.4"}, []string{"a", "hub2", "c"}},
		{"one behind the other", []string{"a"}, []string{"100.64.0.4"}, []string{"a", "hub1", "hub2", "c"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := meshtest.New("hub1", "hub2", "a", "c")
			f := m.Flow(":40000", ":443", "a", "hub1", "c")
			m.Run(20 * time.Second)
			f.Path = nil
			for _, name := range test.path {
				f.Path = append(f.Path, m.Node(name))
			}
			meshtest.Finished(m)
			meshtest.KeepBooks(m, append(test.books, "hub1", "hub2")...)
			b := verifyLines(t, m)
			qt.Check(t, b.Findings, qt.HasLen, 0)
			qt.Assert(t, b.Notes, qt.HasLen, len(test.notes))
			for i, addr := range test.notes {
				qt.Check(t, b.Notes[i], qt.Contains, "no books of "+addr)
			}
		})
	}
}

// TestHubHalvesInAnyOrder has a hub that reports the two sides of a flow in different
// windows.
func TestHubHalvesInAnyOrder(t *testing.T) {
	const there, back = `"src":"100.64.0.3:1","dst":"100.64.0.4:2","rxPkts":%d,"rxBytes":%[1]d`, `"src":"100.64.0.4:2","dst":"100.64.0.3:1","txPkts":%d,"txBytes":%[1]d`
	m := &meshtest.Mesh{Nodes: []*meshtest.Node{{Name: "flows"}}}
	line := func(hub string, seq, second int, flow string, pkts int) {
		at := meshtest.Start.Add(time.Duration(second) * time.Second)
		m.Nodes[0].Lines = append(m.Nodes[0].Lines, fmt.Sprintf(`{"logtail":{"id":%q,"proc_id":1,"proc_seq":%d},"start":%q,"end":%q,"virtualTraffic":[{"proto":17,%s}]}`,
			hub, seq, at.Format(time.RFC3339), at.Add(5*time.Second).Format(time.RFC3339), fmt.Sprintf(flow, pkts)))
	}
	line("hub1", 1, 0, there, 10)
	line("hub2", 1, 5, back, 30)
	line("hub2", 2, 10, there, 30)
	line("hub1", 2, 15, back, 10)
	for range 2 {
		qt.Check(t, verifyLines(t, m).Findings, qt.HasLen, 0)
		slices.Reverse(m.Nodes[0].Lines)
	}
}

// TestHubDropsSomeFlows has a hub whose firewall drops flows, so it reports only one side
// of them, like the node behind it.
func TestHubDropsSomeFlows(t *testing.T) {
	m := meshtest.New("hub", "a", "phone")
	m.Flow(":40000", ":5060", "a", "hub", "phone")
	m.Flow(":40001", m.Node("phone").Addr+":22", "a", "hub")
	meshtest.Finished(m)
	meshtest.KeepBooks(m, "hub", "a")
	qt.Check(t, verifyLines(t, m).Findings, qt.HasLen, 0)
	a := m.Node("a")
	a.Lines[3] = meshtest.ChangeCount(a.Lines[3], 0, "rxPkts", 1)
	qt.Check(t, verifyLines(t, m).Findings, qt.HasLen, 1)
}

// TestHubIsNotNodeBehindIt has a hub that dropped a flow to the address of c before c
// started.
func TestHubIsNotNodeBehindIt(t *testing.T) {
	m := meshtest.New("hub", "a", "c")
	f := m.Flow(":40000", ":443", "a", "hub", "c")
	f.Rate = 0 // packets are sent one by one
	m.Flow(":40001", m.Node("c").Addr+":22", "a", "hub")
	m.Flow(":40002", ":80", "a", "hub", "c").From = 30 * time.Second
	m.Node("c").Phase = 25 * time.Second
	m.Run(10 * time.Second)
	for range 5 {
		m.Send(f, 100, false)
	}
	b := verifyLines(t, meshtest.Finished(m))
	qt.Check(t, b.Findings, qt.HasLen, 0)
	qt.Check(t, b.Notes, qt.HasLen, 0)
}

// TestHubNotBlamedForNode has a node whose records lack what the hub forwarded. The hub
// has the address of c only for a flow that it dropped.
func TestHubNotBlamedForNode(t *testing.T) {
	m := meshtest.New("hub", "a", "c")
	m.Flow(":40000", ":443", "a", "hub", "c")
	dropped := m.Flow(":40001", m.Node("c").Addr+":22", "a", "hub")
	dropped.Rate = 0
	m.Run(10 * time.Second)
	m.Send(dropped, 60, false)
	meshtest.Finished(m)
	c := m.Node("c")
	c.Lines = c.Lines[:1]
	c.Lines[0] = meshtest.Edit(c.Lines[0], func(rec map[string]any) {
		f := rec["virtualTraffic"].([]any)[0].(map[string]any)
		f["src"], f["dst"] = c.Addr+":9", "100.64.0.9:9"
	})
	checkBlamed(t, verifyLines(t, m), map[string]string{"flow missing at the sender": ": sent nothing (node %s), ", "mostly unchecked": "node %s, in "}, c)
}

// TestHubNotBlamedForSum has flows that each may lose one packet.
func TestHubNotBlamedForSum(t *testing.T) {
	m := meshtest.New("hub", "a", "c")
	m.Flow(":40000", ":443", "a", "hub", "c")
	m.Flow(":40001", m.Node("c").Addr+":22", "a", "hub")
	for _, n := range m.Nodes {
		n.Start(m.Now)
	}
	for i := range 50 {
		f := m.Flow(fmt.Sprintf(":%d", 50000+i), ":53", "a", "hub", "c")
		f.Proto, f.Rate = flowtrack.UDP, 0
		m.Send(f, 60, false)
	}
	meshtest.Finished(m)
	c := m.Node("c")
	for i := range 50 {
		c.Lines[0] = meshtest.RemoveFlow(c.Lines[0], fmt.Sprintf("100.64.0.2:%d", 50000+i))
	}
	checkBlamed(t, verifyLines(t, m), map[string]string{"flow missing at the receiver": "received nothing (node %s)"}, c)
}

// checkBlamed looks for one finding of each kind, and in it for a text with the name of
// one node.
func checkBlamed(t *testing.T, b *Report, want map[string]string, who *meshtest.Node) {
	t.Helper()
	qt.Check(t, b.Findings, qt.HasLen, len(want))
	for _, f := range b.Findings {
		qt.Check(t, f.Text, qt.Contains, fmt.Sprintf(want[f.Kind], names.ShortID(who.ID)))
	}
}

// TestHubFoldedPorts has a hub that folded ports away and an end that did not, so they do
// not report the same flow.
func TestHubFoldedPorts(t *testing.T) {
	m := meshtest.New("hub", "a", "phone")
	for i := range 5 {
		m.Flow(fmt.Sprintf(":%d", 40000+i), ":5060", "a", "hub", "phone")
	}
	meshtest.Finished(m)
	meshtest.KeepBooks(m, "hub", "a")
	hub := m.Node("hub")
	for i, l := range hub.Lines {
		for p := range 5 {
			l = strings.ReplaceAll(l, fmt.Sprintf("100.64.0.2:4000%d", p), "100.64.0.2:0")
		}
		hub.Lines[i] = strings.ReplaceAll(l, "100.64.0.3:5060", "100.64.0.3:0")
	}
	b := verifyLines(t, m)
	qt.Check(t, b.Findings, qt.HasLen, 0)
	qt.Check(t, strings.Join(b.Notes, "\n"), qt.Contains, "no books of 100.64.0.3")
}

// TestHubRandomMeshes has flows that use one hub, the other, or change between them.
func TestHubRandomMeshes(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for i := range 60 {
		names := []string{"hub1", "hub2", "n1", "n2", "n3", "n4"}
		m := meshtest.New(names...)
		for j := range 6 {
			ends := rng.Perm(4)
			f := m.Flow(fmt.Sprintf(":%d", 40000+j), ":443", names[2+ends[0]], names[rng.IntN(2)], names[2+ends[1]])
			f.From += time.Duration(rng.IntN(20)) * time.Second
		}
		m.Run(time.Duration(10+rng.IntN(20)) * time.Second)
		for _, f := range m.Flows {
			if rng.IntN(2) == 0 {
				f.Path[1] = m.Nodes[rng.IntN(2)]
			}
		}
		meshtest.Finished(m)
		keepers := names[:2]
		for _, n := range names[2:] {
			if rng.IntN(2) == 0 {
				keepers = append(keepers, n)
			}
		}
		meshtest.KeepBooks(m, keepers...)
		qt.Assert(t, verifyLines(t, m).Findings, qt.HasLen, 0, qt.Commentf("mesh %d, books of %v", i, keepers))
	}
}
