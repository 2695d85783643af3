package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"
)

// TestVerifyTakesADaemonOlderThanRetention has the first files of both nodes
// deleted: honest books, that begin in the middle of a process.
func TestVerifyTakesADaemonOlderThanRetention(t *testing.T) {
	m := finished(twoNodes())
	a, b := m.node("a"), m.node("b")
	a.lines, b.lines = a.lines[5:], b.lines[5:]
	dir := m.write(t)
	code, out, _ := netlogCommand(t, "", "verify", dir)
	qt.Check(t, code, qt.Equals, exitOK, qt.Commentf("%s", out))
	qt.Check(t, out, qt.Contains, fmt.Sprintf("note: node %s, 1 process: the first 5 entries missing, as where older files are deleted; -complete makes that a finding\n", a.id[:12]))
	qt.Check(t, strings.Count(out, "note: "), qt.Equals, 2, qt.Commentf("a line a node"))

	code, out, _ = netlogCommand(t, "", "verify", "-complete", dir)
	qt.Check(t, code, qt.Equals, exitFindings)
	qt.Check(t, out, qt.Contains, fmt.Sprintf("a.ndjson:1: sequence gap: node %s, process 1000: 5 entries missing (1-5)\n", a.id[:12]))
	qt.Check(t, out, qt.Not(qt.Contains), "note: ")
}

// TestVerifyHoldsNothingAgainstWhatRetentionDeleted cuts the beginnings of books off,
// of some nodes a window or two more: they never line up.
func TestVerifyHoldsNothingAgainstWhatRetentionDeleted(t *testing.T) {
	whole := finished(hubAndSpoke())
	for cut := range 3 * 81 {
		m := &mesh{}
		for i, n := range whole.nodes {
			c := *n
			c.lines = c.lines[cut/81+cut/[]int{1, 3, 9, 27}[i]%3:]
			m.nodes = append(m.nodes, &c)
		}
		qt.Assert(t, verifyLines(t, m).findings, qt.HasLen, 0, qt.Commentf("cut %d", cut))
	}
}

// TestVerifyTakesANodeThatComesLateBehindAHub: the hub was there to see the packets,
// but it is no end of the flow.
func TestVerifyTakesANodeThatComesLateBehindAHub(t *testing.T) {
	m := hubAndSpoke()
	m.node("spoke2").phase = 23 * time.Second
	qt.Check(t, verifyLines(t, finished(m)).findings, qt.HasLen, 0)
}

// TestVerifyStillFindsAGapBehindTheFirstEntry: only what is missing before it can be
// the work of retention.
func TestVerifyStillFindsAGapBehindTheFirstEntry(t *testing.T) {
	m := finished(twoNodes())
	b := m.node("b")
	b.lines = append(b.lines[2:4], b.lines[5:]...)
	out := fmt.Sprint(verifyLines(t, m).findings)
	qt.Check(t, out, qt.Contains, "1 entry missing (5)")
	qt.Check(t, out, qt.Not(qt.Contains), "1-2")
}

// TestVerifySaysWhichNodeIDDisagrees: a record has two places for one.
func TestVerifySaysWhichNodeIDDisagrees(t *testing.T) {
	const me = "srcNode.nodeId"
	rename := func(id string) func(*meshNode) {
		return eachLine(func(_ int, rec map[string]any) { rec["srcNode"] = map[string]any{"nodeId": id} })
	}
	for _, test := range []struct {
		name, want string
		lie        func(m *mesh)
	}{
		{"two names of one node", me + ` "me" here, nodeId "b" at`, func(m *mesh) { rename("me")(m.node("b")) }},
		{"a public ID that is another's", me + " " + strings.Repeat("ab", 32) + ", but logtail.id", func(m *mesh) { rename(strings.Repeat("ab", 32))(m.node("b")) }},
		{"one name of two nodes", me + ` "me" of logtail.id`, func(m *mesh) { rename("me")(m.node("a")); rename("me")(m.node("b")) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := finished(twoNodes())
			test.lie(m)
			qt.Check(t, fmt.Sprint(verifyLines(t, m).findings), qt.Contains, test.want)
		})
	}
}

// TestVerifyKnowsNoTimesOfANodeWithoutWindows, which has sent lines of text only.
func TestVerifyKnowsNoTimesOfANodeWithoutWindows(t *testing.T) {
	m := finished(twoNodes())
	m.node("b").lines = []string{`{"logtail":{"id":"` + m.node("b").id + `","proc_id":1,"proc_seq":1},"text":"up"}`}
	_, out, _ := netlogCommand(t, "", "verify", m.write(t))
	qt.Check(t, out, qt.Contains, ": no windows, 1 record, 1 process, clock not known\n")
	qt.Check(t, out, qt.Not(qt.Contains), "0001-01-01")
}
