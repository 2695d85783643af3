package doubleentry

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/cmd/netlog/internal/meshtest"
	"github.com/go-netlog/netlog/internal/racetest"
)

// TestCheckRetentionNoFindings removes the first windows of all nodes, of some more than
// of others.
func TestCheckRetentionNoFindings(t *testing.T) {
	racetest.Skip(t) // one goroutine, and slow
	whole := meshtest.Finished(meshtest.HubAndSpoke())
	for cut := range 3 * 81 {
		m := &meshtest.Mesh{}
		for i, n := range whole.Nodes {
			c := *n
			c.Lines = c.Lines[cut/81+cut/[]int{1, 3, 9, 27}[i]%3:]
			m.Nodes = append(m.Nodes, &c)
		}
		qt.Assert(t, verifyLines(t, m).Findings, qt.HasLen, 0, qt.Commentf("cut %d", cut))
	}
}

// TestHubLateNode has a hub that saw the packets before the node behind it started.
func TestHubLateNode(t *testing.T) {
	m := meshtest.HubAndSpoke()
	m.Node("spoke2").Phase = 23 * time.Second
	qt.Check(t, verifyLines(t, meshtest.Finished(m)).Findings, qt.HasLen, 0)
}

// TestCheckGapAfterFirstEntry checks that only entries missing at the start can be due to
// retention.
func TestCheckGapAfterFirstEntry(t *testing.T) {
	m := meshtest.Finished(meshtest.TwoNodes())
	b := m.Node("b")
	b.Lines = append(b.Lines[2:4], b.Lines[5:]...)
	out := fmt.Sprint(verifyLines(t, m).Findings)
	qt.Check(t, out, qt.Contains, "1 entry missing (5)")
	qt.Check(t, out, qt.Not(qt.Contains), "1-2")
}

// TestCheckGapDroppedSaturates: however many entries a node reports as dropped, the sum is no smaller.
func TestCheckGapDroppedSaturates(t *testing.T) {
	m := meshtest.Finished(meshtest.TwoNodes())
	b := m.Node("b")
	b.Lines = append(b.Lines[:2], b.Lines[3:]...)
	meshtest.EachLine(func(_ int, rec map[string]any) { rec["droppedEntries"] = uint64(math.MaxUint64) })(b)
	qt.Check(t, fmt.Sprint(verifyLines(t, m).Findings), qt.Contains, "dropped 18446744073709551615")
}

// TestCheckClaimsNameNodeID checks which of the two members with a node ID is named.
func TestCheckClaimsNameNodeID(t *testing.T) {
	const me = "srcNode.nodeId"
	rename := func(id string) func(*meshtest.Node) {
		return meshtest.EachLine(func(_ int, rec map[string]any) { rec["srcNode"] = map[string]any{"nodeId": id} })
	}
	for _, test := range []struct {
		name, want string
		lie        func(m *meshtest.Mesh)
	}{
		{"two names of one node", me + ` "me" here, nodeId "b" at`, func(m *meshtest.Mesh) { rename("me")(m.Node("b")) }},
		{"a public ID that is another's", me + " " + strings.Repeat("ab", 32) + ", but logtail.id", func(m *meshtest.Mesh) { rename(strings.Repeat("ab", 32))(m.Node("b")) }},
		{"one name of two nodes", me + ` "me" of logtail.id`, func(m *meshtest.Mesh) { rename("me")(m.Node("a")); rename("me")(m.Node("b")) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := meshtest.Finished(meshtest.TwoNodes())
			test.lie(m)
			qt.Check(t, fmt.Sprint(verifyLines(t, m).Findings), qt.Contains, test.want)
		})
	}
}
