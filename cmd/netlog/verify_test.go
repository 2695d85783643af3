package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/internal/records"
	"github.com/go-netlog/netlog/tunstats"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares got with a file of testdata, whatever directory it was made in.
func golden(t *testing.T, name, dir string, got []byte) {
	t.Helper()
	got = bytes.ReplaceAll(got, []byte(dir+string(filepath.Separator)), nil)
	path := filepath.Join("testdata", name+".golden")
	if *update {
		qt.Assert(t, os.MkdirAll(filepath.Dir(path), 0o755), qt.IsNil)
		qt.Assert(t, os.WriteFile(path, got, 0o644), qt.IsNil)
	}
	want, err := os.ReadFile(path)
	qt.Assert(t, err, qt.IsNil)
	qt.Check(t, string(got), qt.Equals, string(want))
}

// netlogCommand runs the command, and returns its exit code and output.
func netlogCommand(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, strings.NewReader(stdin), &out, &errs)
	return code, out.String(), errs.String()
}

func TestVerifyGolden(t *testing.T) {
	for _, test := range meshes {
		t.Run(test.name, func(t *testing.T) {
			dir := test.build().write(t)
			code, out, errs := netlogCommand(t, "", "verify", dir)
			qt.Check(t, errs, qt.Equals, "")
			qt.Check(t, code == 0, qt.Equals, test.clean, qt.Commentf("%s", out))
			golden(t, "verify/"+test.name, dir, []byte(out))
		})
	}
}

// TestDemoGolden reads the books of one run of wgtun/demo.
func TestDemoGolden(t *testing.T) {
	dir := filepath.Join("testdata", "demo")
	code, out, _ := netlogCommand(t, "", "verify", "-loss", "0", dir)
	qt.Check(t, code, qt.Equals, exitOK)
	golden(t, "verify/demo", dir, []byte(out))
	_, out, _ = netlogCommand(t, "", "fmt", "-width", "80", dir)
	golden(t, "fmt/demo", dir, []byte(out))
}

func TestVerifyCompleteWantsAllBooks(t *testing.T) {
	m := finished(hubAndSpoke())
	m.node("spoke2").lines = nil
	m.node("hub").lines = nil
	code, out, _ := netlogCommand(t, "", "verify", "-complete", m.write(t))
	qt.Check(t, code, qt.Equals, exitFindings)
	qt.Check(t, out, qt.Contains, "missing books: no node reports as 100.64.0.3")
}

// TestVerifyFindsEveryChangeBeyondTheAllowance changes each count of each record
// of each end of a flow, by as little as must be found.
func TestVerifyFindsEveryChangeBeyondTheAllowance(t *testing.T) {
	for _, test := range []struct {
		name string
		loss float64
	}{{"nothing lost", 0}, {"one in a hundred lost", 0.01}} {
		t.Run(test.name, func(t *testing.T) {
			m := hubAndSpoke()
			for _, f := range m.flows {
				f.loss = test.loss
			}
			m.run(13 * time.Second)
			m.finish()
			qt.Check(t, everyChange(t, m) > 50, qt.IsTrue)
		})
	}
}

// everyChange makes the smallest changes that must be found, one at a time, and
// returns how many there were.
func everyChange(t *testing.T, m *mesh) (changes int) {
	base := verifyLines(t, m)
	qt.Assert(t, base.findings, qt.HasLen, 0)
	for _, n := range m.nodes {
		for i, line := range n.lines {
			for j, c := range flowsOf(t, line) {
				e := base.accounts[account{base.byID[n.id], c.Tuple}]
				if e.transit {
					continue // a hub is an observer
				}
				for name, all := range leastChanges(base, c.Tuple, e) {
					for _, by := range all {
						if by < 0 && countOf(&c.Counts, name) < uint64(-by) {
							continue // not that many in this window
						}
						n.lines[i] = changeCount(line, j, name, by)
						b := verifyLines(t, m)
						qt.Assert(t, b.findings, qt.Not(qt.HasLen), 0,
							qt.Commentf("%s line %d, %v: %s changed by %d", n.name, i+1, c.Tuple, name, by))
						n.lines[i] = line
						changes++
					}
				}
			}
		}
	}
	t.Logf("%d changes found", changes)
	return changes
}

// TestVerifyDemo has two real WireGuard devices keep books, and changes them.
func TestVerifyDemo(t *testing.T) {
	runs, err := strconv.Atoi(os.Getenv("NETLOG_DEMO"))
	if err != nil {
		t.Skip("set NETLOG_DEMO=20 to verify the books of so many runs of the demo, seven seconds each")
	}
	demo := filepath.Join(t.TempDir(), "demo")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", demo, "../../wgtun/demo").CombinedOutput()
	qt.Assert(t, err, qt.IsNil, qt.Commentf("%s", out))
	for i := range runs {
		dir := t.TempDir()
		demoRun(t, demo, dir)
		code, out, errs := netlogCommand(t, "", "verify", dir)
		qt.Assert(t, code, qt.Equals, exitOK, qt.Commentf("%s%s", out, errs))
		if i == 0 {
			everyChange(t, meshOf(t, dir))
		}
	}
}

// demoRun runs the demo against a collector that stores in dir.
func demoRun(t *testing.T, demo, dir string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	qt.Assert(t, err, qt.IsNil)
	addr := l.Addr().String()
	qt.Assert(t, l.Close(), qt.IsNil)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan int)
	var errs bytes.Buffer
	go func() {
		done <- run(ctx, []string{"serve", "-addr", addr, "-dir", dir}, strings.NewReader(""), io.Discard, &errs)
	}()
	for range 10_000 {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			qt.Assert(t, c.Close(), qt.IsNil)
			break
		}
		runtime.Gosched()
	}
	out, err := exec.CommandContext(t.Context(), demo, "-url", "http://"+addr).CombinedOutput()
	cancel()
	qt.Assert(t, <-done, qt.Equals, exitOK, qt.Commentf("%s", errs.String()))
	qt.Assert(t, err, qt.IsNil, qt.Commentf("%s", out))
}

// meshOf reads the lines of a directory, by node.
func meshOf(t *testing.T, dir string) *mesh {
	m := &mesh{}
	for rec, err := range (&records.Input{Paths: []string{dir}}).Records() {
		qt.Assert(t, err, qt.IsNil)
		i := slices.IndexFunc(m.nodes, func(n *meshNode) bool { return n.id == rec.Logtail.ID })
		if i < 0 {
			i = len(m.nodes)
			m.nodes = append(m.nodes, &meshNode{name: rec.NodeID, id: rec.Logtail.ID})
		}
		m.nodes[i].lines = append(m.nodes[i].lines, string(rec.Raw))
	}
	return m
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
		for k = 1; int64(sent-recv)+k <= int64(math.Ceil(float64(int64(sent)+k)*b.loss/100)); k++ {
		}
		return k
	}
	txLost, rxLost := int64(e.all.TxPackets-o.all.RxPackets), int64(o.all.TxPackets-e.all.RxPackets)
	m := map[string][]int64{
		"txPkts": {grow(e.all.TxPackets, o.all.RxPackets), -txLost - 1},
		"rxPkts": {rxLost + 1, rxLost - int64(math.Ceil(float64(o.all.TxPackets)*b.loss/100)) - 1},
	}
	if txLost == 0 {
		m["txBytes"] = []int64{1, -1}
	}
	if rxLost == 0 {
		m["rxBytes"] = []int64{1, -1}
	}
	return m
}

func verifyLines(t *testing.T, m *mesh) *books {
	b := newBooks()
	b.loss, b.slack = 5, 1e9
	dir := m.write(t)
	qt.Assert(t, b.read(t.Context(), &records.Input{Paths: []string{dir}}, newProgress(nil)), qt.IsNil)
	b.check()
	qt.Assert(t, os.RemoveAll(dir), qt.IsNil)
	return b
}

func flowsOf(t *testing.T, line string) []netlog.ConnectionCounts {
	var rec records.Record
	qt.Assert(t, json.Unmarshal([]byte(line), &rec), qt.IsNil)
	return append(append([]netlog.ConnectionCounts(nil), rec.VirtualTraffic...), rec.SubnetTraffic...)
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

func TestVerifyFindsEveryRemovedLineBeforeTheLast(t *testing.T) {
	m := finished(hubAndSpoke())
	for _, n := range m.nodes {
		lines := n.lines
		for i := range lines[:len(lines)-1] {
			n.lines = append(append([]string(nil), lines[:i]...), lines[i+1:]...)
			b := verifyLines(t, m)
			found := false
			for _, f := range b.findings {
				found = found || f.kind == "sequence gap"
			}
			qt.Check(t, found, qt.IsTrue, qt.Commentf("%s line %d", n.name, i+1))
		}
		n.lines = lines
	}
}

func TestVerifyLooksAtPairsWhereOneSideFoldedPorts(t *testing.T) {
	m := twoNodes()
	for i := range 5 {
		m.flow(fmt.Sprintf(":%d", 50000+i), ":443", "a", "b")
	}
	finished(m)
	b := m.node("b")
	for i, l := range b.lines {
		for p := range 5 {
			l = strings.ReplaceAll(l, fmt.Sprintf("100.64.0.1:5000%d", p), "100.64.0.1:0")
		}
		b.lines[i] = strings.ReplaceAll(l, "100.64.0.2:443", "100.64.0.2:0")
	}
	qt.Check(t, verifyLines(t, m).findings, qt.HasLen, 0)
	b.lines[5] = changeCount(b.lines[5], 0, "rxPkts", 1)
	qt.Check(t, verifyLines(t, m).findings, qt.HasLen, 1)
}

// TestVerifyAddsUpSmallFlows shows that many flows of one packet cannot hide
// behind the one packet that each may lose.
func TestVerifyAddsUpSmallFlows(t *testing.T) {
	m := newMesh("a", "b")
	big := m.flow(":40000", ":443", "a", "b")
	big.rate = 1
	for _, n := range m.nodes {
		n.start(m.now)
	}
	for i := range 100 {
		f := m.flow(fmt.Sprintf(":%d", 50000+i), ":53", "a", "b")
		f.proto, f.rate = flowtrack.UDP, 0
		m.send(f, 60, false)
	}
	finished(m)
	qt.Assert(t, verifyLines(t, m).findings, qt.HasLen, 0)
	b := m.node("b")
	for i := range 6 {
		b.lines[0] = removeFlow(b.lines[0], fmt.Sprintf("100.64.0.1:%d", 50000+i))
		findings := verifyLines(t, m).findings
		qt.Check(t, len(findings) > 0, qt.Equals, i == 5, qt.Commentf("%d of 100 flows are gone: %v", i+1, findings))
	}
}

func TestVerifyHoldsAHubAgainstANodeWhoseFileIsMissing(t *testing.T) {
	m := finished(hubAndSpoke())
	m.node("spoke2").lines = nil
	qt.Assert(t, verifyLines(t, m).findings, qt.HasLen, 0)
	s := m.node("spoke1")
	s.lines[3] = changeCount(s.lines[3], 0, "rxPkts", 1)
	b := verifyLines(t, m)
	qt.Assert(t, b.findings, qt.HasLen, 1)
	qt.Check(t, b.findings[0].text, qt.Contains, "TCP 100.64.0.3:443 -> 100.64.0.2:40000")
}

// TestVerifyReadsFilesThatGrow adds records between the two readings.
func TestVerifyReadsFilesThatGrow(t *testing.T) {
	m := finished(twoNodes())
	a, b := m.node("a"), m.node("b")
	dir := m.write(t)
	in := &records.Input{Paths: []string{dir}}
	books := newBooks()
	books.loss, books.slack = 5, time.Second
	for rec, err := range in.Records() {
		qt.Assert(t, err, qt.IsNil)
		books.survey(rec, 0)
	}
	books.startSecond()
	late := newMesh("c", "a", "b")
	late.flow(":1", ":2", "c", "a")
	finished(late)
	a.lines = append(a.lines, strings.Replace(a.lines[3], `"proc_seq":4`, `"proc_seq":99`, 1))
	b.lines = append(b.lines, strings.Replace(b.lines[3], `"proc_id":1001`, `"proc_id":7`, 1))
	m.nodes = append(m.nodes, late.node("c"))
	dir = m.write(t)
	for rec, err := range (&records.Input{Paths: []string{dir}}).Records() {
		qt.Assert(t, err, qt.IsNil)
		books.enter(rec)
	}
	books.check()
	qt.Check(t, books.findings, qt.HasLen, 0)
}

func TestVerifyUsage(t *testing.T) {
	for _, args := range [][]string{{"verify"}, {"verify", "-"}, {"verify", "-loss", "x", "f"}, {"verify", "-loss", "NaN", "f"},
		{"verify", "-loss", "-1", "f"}, {"verify", "-slack", "-1s", "f"}, {"verify", "-max-flows", "0", "f"}} {
		code, _, errs := netlogCommand(t, "", args...)
		qt.Check(t, code, qt.Equals, exitUsage)
		qt.Check(t, errs, qt.Not(qt.Equals), "")
	}
	code, _, _ := netlogCommand(t, "", "verify", "no-such-file")
	qt.Check(t, code, qt.Equals, exitFindings)
}
