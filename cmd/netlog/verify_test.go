package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/internal/records"
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

func TestVerifyFindsEveryRemovedLineBeforeTheLast(t *testing.T) {
	m := finished(hubAndSpoke())
	for _, n := range m.nodes {
		lines := n.lines
		for i := range lines[:len(lines)-1] {
			n.lines = append(append([]string(nil), lines[:i]...), lines[i+1:]...)
			b := verifyBooks(t, m, func(b *books) { b.complete = true })
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

// TestVerifyReadsFilesThatGrow adds records between the two readings: of a number, of a
// process and of a node that were not there, and some without a number.
func TestVerifyReadsFilesThatGrow(t *testing.T) {
	m := finished(twoNodes())
	a, b := m.node("a"), m.node("b")
	unnumbered := func(_ int, rec map[string]any) { delete(meta(rec), "proc_id"); delete(meta(rec), "proc_seq") }
	other := finished(twoNodes()).node("b")
	other.lines = other.lines[:3]
	eachLine(unnumbered)(b)
	dir := m.write(t)
	books := newBooks()
	books.loss, books.slack = 5, time.Second
	readAll := func(do func(*records.Record)) {
		for rec, err := range (&records.Input{Paths: []string{dir}}).Records() {
			qt.Assert(t, err, qt.IsNil)
			do(rec)
		}
	}
	readAll(func(rec *records.Record) { books.survey(rec, 0) })
	books.startSecond()
	late := newMesh("b", "a", "c")
	late.flow(":1", ":2", "c", "a")
	finished(late)
	a.lines = append(a.lines, strings.Replace(a.lines[3], `"proc_seq":4`, `"proc_seq":99`, 1),
		strings.Replace(a.lines[3], `"proc_id":1000`, `"proc_id":7`, 1))
	eachLine(unnumbered)(other)
	b.lines = append(b.lines, other.lines[0], strings.ReplaceAll(other.lines[1], "100.64.0.1:40000", "100.64.0.1:9"))
	m.nodes = append(m.nodes, late.node("c"))
	dir = m.write(t)
	readAll(books.enter)
	books.check()
	qt.Check(t, books.findings, qt.HasLen, 0)
	qt.Check(t, books.entered, qt.Equals, books.surveyed)
	qt.Check(t, books.nodes, qt.HasLen, 2)
}

func TestVerifyUsage(t *testing.T) {
	for _, args := range [][]string{{"verify"}, {"verify", "-"}, {"verify", "-loss", "x", "f"}, {"verify", "-loss", "NaN", "f"},
		{"verify", "-loss", "-1", "f"}, {"verify", "-slack", "-1s", "f"}, {"verify", "-max-flows", "0", "f"}} {
		code, _, errs := netlogCommand(t, "", args...)
		qt.Check(t, code, qt.Equals, exitUsage)
		qt.Check(t, errs, qt.Not(qt.Equals), "")
	}
	empty := filepath.Join(t.TempDir(), "empty")
	qt.Assert(t, os.WriteFile(empty, []byte("{}\n"), 0o600), qt.IsNil)
	for path, want := range map[string]string{"no-such-file": ".*no-such-file.*", empty: "netlog verify: no records"} {
		code, _, errs := netlogCommand(t, "", "verify", path)
		qt.Check(t, code, qt.Equals, exitUsage)
		qt.Check(t, errs, qt.Matches, want+"\n")
	}
}
