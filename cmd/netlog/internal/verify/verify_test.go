package verify

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/cmd/netlog/internal/cli"
	"github.com/go-netlog/netlog/cmd/netlog/internal/clitest"
	"github.com/go-netlog/netlog/cmd/netlog/internal/meshtest"
)

// TestVerifyUnreadable checks that the exit code is 2, since 1 means findings.
func TestVerifyUnreadable(t *testing.T) {
	dir := t.TempDir()
	qt.Assert(t, os.WriteFile(dir+"/empty.ndjson", []byte("{}\n"), 0o600), qt.IsNil)
	qt.Assert(t, os.WriteFile(dir+"/wide.txt", []byte("\xff\xfe{\x00\"\x00\r\x00\n\x00"), 0o600), qt.IsNil)
	for _, test := range []struct{ arg, want string }{
		{dir + "/nope", "/nope: no such file"}, {dir + "/empty.ndjson " + dir + "/wide.txt", "/wide.txt: looks like UTF-16 text; .*"},
		{dir + "/empty.ndjson", "no records"}, {dir, "no records"}, {"", "no files"}, {"-", "not standard input"},
	} {
		code, _, errs := clitest.Run(t, run, "", append([]string{"verify"}, strings.Fields(test.arg)...)...)
		qt.Check(t, code, qt.Equals, cli.ExitUsage)
		qt.Check(t, errs, qt.Matches, "netlog verify: .*"+test.want+".*\n")
	}
}

func TestVerifyMaxFlows(t *testing.T) {
	m := meshtest.Finished(meshtest.TwoNodes())
	for _, max := range []string{"4", "100"} { // two flows, from two sides, and what nodes call themselves
		code, _, errs := clitest.Run(t, run, "", "verify", "-max-flows", max, m.Write(t))
		qt.Check(t, code == cli.ExitOK, qt.Equals, max == "100")
		qt.Check(t, strings.Contains(errs, "raise -max-flows"), qt.Equals, max == "4")
	}
}

// TestVerifyRetentionDeletedStart deletes the first records of both nodes, as retention
// does.
func TestVerifyRetentionDeletedStart(t *testing.T) {
	m := meshtest.Finished(meshtest.TwoNodes())
	a, b := m.Node("a"), m.Node("b")
	a.Lines, b.Lines = a.Lines[5:], b.Lines[5:]
	dir := m.Write(t)
	code, out, _ := clitest.Run(t, run, "", "verify", dir)
	qt.Check(t, code, qt.Equals, cli.ExitOK, qt.Commentf("%s", out))
	qt.Check(t, out, qt.Contains, fmt.Sprintf("note: node %s, 1 process: the first 5 entries missing, as where older files are deleted; -complete makes that a finding\n", a.ID[:12]))
	qt.Check(t, strings.Count(out, "note: "), qt.Equals, 2, qt.Commentf("a line a node"))

	code, out, _ = clitest.Run(t, run, "", "verify", "-complete", dir)
	qt.Check(t, code, qt.Equals, cli.ExitFindings)
	qt.Check(t, out, qt.Contains, fmt.Sprintf("a.ndjson:1: sequence gap: node %s, process 1000: 5 entries missing (1-5)\n", a.ID[:12]))
	qt.Check(t, out, qt.Not(qt.Contains), "note: ")
}

// TestVerifyNodeWithoutWindows has a node that sent only text.
func TestVerifyNodeWithoutWindows(t *testing.T) {
	m := meshtest.Finished(meshtest.TwoNodes())
	m.Node("b").Lines = []string{`{"logtail":{"id":"` + m.Node("b").ID + `","proc_id":1,"proc_seq":1},"text":"up"}`}
	_, out, _ := clitest.Run(t, run, "", "verify", m.Write(t))
	qt.Check(t, out, qt.Contains, ": no windows, 1 record, 1 process, clock not known\n")
	qt.Check(t, out, qt.Not(qt.Contains), "0001-01-01")
}

func TestVerifyGolden(t *testing.T) {
	for _, test := range meshtest.All {
		t.Run(test.Name, func(t *testing.T) {
			dir := test.Build().Write(t)
			code, out, errs := clitest.Run(t, run, "", "verify", dir)
			qt.Check(t, errs, qt.Equals, "")
			qt.Check(t, code == 0, qt.Equals, test.Clean, qt.Commentf("%s", out))
			clitest.Golden(t, test.Name, dir, []byte(out))
		})
	}
}

func TestVerifyCompleteMissingNode(t *testing.T) {
	m := meshtest.Finished(meshtest.HubAndSpoke())
	m.Node("spoke2").Lines = nil
	m.Node("hub").Lines = nil
	code, out, _ := clitest.Run(t, run, "", "verify", "-complete", m.Write(t))
	qt.Check(t, code, qt.Equals, cli.ExitFindings)
	qt.Check(t, out, qt.Contains, "missing books: no node reports as 100.64.0.3")
}

func TestVerifyUsage(t *testing.T) {
	for _, args := range [][]string{{"verify"}, {"verify", "-"}, {"verify", "-loss", "x", "f"}, {"verify", "-loss", "NaN", "f"},
		{"verify", "-loss", "-1", "f"}, {"verify", "-slack", "-1s", "f"}, {"verify", "-max-flows", "0", "f"}} {
		code, _, errs := clitest.Run(t, run, "", args...)
		qt.Check(t, code, qt.Equals, cli.ExitUsage)
		qt.Check(t, errs, qt.Not(qt.Equals), "")
	}
	empty := filepath.Join(t.TempDir(), "empty")
	qt.Assert(t, os.WriteFile(empty, []byte("{}\n"), 0o600), qt.IsNil)
	for path, want := range map[string]string{"no-such-file": ".*no-such-file.*", empty: "netlog verify: no records"} {
		code, _, errs := clitest.Run(t, run, "", "verify", path)
		qt.Check(t, code, qt.Equals, cli.ExitUsage)
		qt.Check(t, errs, qt.Matches, want+"\n")
	}
}

// TestVerifyNothingToCheck checks that a check of nothing does not look like logs that agree.
func TestVerifyNothingToCheck(t *testing.T) {
	for _, test := range []struct {
		name  string
		build func() *meshtest.Mesh
		want  string
		note  string
	}{
		{"one node", func() *meshtest.Mesh {
			m := meshtest.Finished(meshtest.TwoNodes())
			m.Node("b").Lines = nil
			return m
		}, "all records are of one node", "note: no books of 100.64.0.2: "},
		{"no common flow", func() *meshtest.Mesh {
			m := meshtest.New("a", "b", "c", "d")
			m.Flow(":40000", ":443", "a", "c")
			m.Flow(":40000", ":443", "b", "d")
			meshtest.Finished(m)
			meshtest.KeepBooks(m, "a", "b")
			return m
		}, "no flow is reported by two of the 2 nodes", "note: no books of "},
		{"text only", func() *meshtest.Mesh {
			m := meshtest.TwoNodes()
			for _, n := range m.Nodes {
				n.Lines = []string{`{"logtail":{"id":"` + n.ID + `","proc_id":1,"proc_seq":1},"text":"up"}`}
			}
			return m
		}, "no flow is reported by two of the 2 nodes", ""},
		{"not at the same time", func() *meshtest.Mesh {
			m := meshtest.Finished(meshtest.TwoNodes())
			a, b := m.Node("a"), m.Node("b")
			a.Lines, b.Lines = a.Lines[:4], b.Lines[8:]
			for _, n := range m.Nodes { // what one receives at such a time is a finding
				for i := range n.Lines {
					n.Lines[i] = regexp.MustCompile(`"rx(Pkts|Bytes)":\d+`).ReplaceAllString(n.Lines[i], `"rx$1":0`)
				}
			}
			return m
		}, "no two nodes counted the same flow at the same time", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			code, out, errs := clitest.Run(t, run, "", "verify", test.build().Write(t))
			qt.Check(t, code, qt.Equals, cli.ExitUsage)
			qt.Check(t, errs, qt.Equals, "netlog verify: nothing could be checked: "+test.want+"\n")
			qt.Check(t, out, qt.Contains, test.note)
			qt.Check(t, out, qt.Contains, " 0 findings\n")
		})
	}
}

// TestVerifyHubAlone has flows that only the hub reports, so nothing can be checked.
func TestVerifyHubAlone(t *testing.T) {
	for _, test := range []struct {
		name  string
		books []string // of these nodes, besides the hub
		notes []string // addresses that have none
		code  int
	}{
		{"two phones talk through it", []string{"spoke1", "spoke2"}, []string{"100.64.0.4", "100.64.0.5"}, cli.ExitOK},
		{"its file is the only one", nil, []string{"100.64.0.2", "100.64.0.3", "100.64.0.4", "100.64.0.5"}, cli.ExitUsage},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := meshtest.New("hub", "spoke1", "spoke2", "phone1", "phone2")
			m.Flow(":40000", ":443", "spoke1", "hub", "spoke2")
			m.Flow(":40000", ":5060", "phone1", "hub", "phone2")
			meshtest.Finished(m)
			meshtest.KeepBooks(m, append(test.books, "hub")...)
			dir := m.Write(t)
			code, out, _ := clitest.Run(t, run, "", "verify", dir)
			qt.Check(t, code, qt.Equals, test.code, qt.Commentf("%s", out))
			qt.Check(t, strings.Count(out, "note: "), qt.Equals, len(test.notes), qt.Commentf("%s", out))
			for _, addr := range test.notes {
				qt.Check(t, out, qt.Contains, "note: no books of "+addr+": what others say of it is not checked\n")
			}
			qt.Check(t, out, qt.Not(qt.Contains), "unchecked at its edges")
			code, out, _ = clitest.Run(t, run, "", "verify", "-complete", dir)
			qt.Check(t, code, qt.Equals, cli.ExitFindings)
			qt.Check(t, strings.Count(out, "missing books: "), qt.Equals, len(test.notes))
		})
	}
}
