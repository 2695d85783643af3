package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"
)

// TestVerifyReport has lines of the report that the golden files have not.
func TestVerifyReport(t *testing.T) {
	for _, test := range []struct {
		name  string
		build func() *mesh
		code  int
		want  []string
		flags []string
	}{
		{"books of one node", func() *mesh {
			m := finished(twoNodes())
			m.node("b").lines = nil
			return m
		}, exitOK, []string{"note: no books of 100.64.0.2: what others say of it is not checked\n", "2 unmatched, 0 findings\n"}, nil},
		{"a name of the operator's", func() *mesh {
			m := finished(twoNodes())
			m.node("b").lines = slices.Delete(m.node("b").lines, 3, 4)
			return m
		}, exitFindings, []string{`b.ndjson:1: sequence gap: node b\x1b, process 1001: 1 entry missing (4)` + "\n", `node b\x1b: 2026-11-22 10:00:00 to `}, nil},
		{"more places than anyone reads", func() *mesh {
			m := finished(twoNodes())
			m.node("b").lines = append(m.node("b").lines, strings.Repeat("x}\n", maxSkipped+5))
			return m
		}, exitFindings, []string{"b.ndjson:112: unreadable: ", "\nnote: 5 more places cannot be read\n", ", 100 findings\n"}, nil},
		{"a flow whose lines are in two files", func() *mesh {
			m := finished(twoNodes())
			b := m.node("b")
			b.lines[3] = changeCount(b.lines[3], 0, "rxPkts", 1)
			m.nodes = append(m.nodes, &meshNode{name: "c", lines: b.lines[6:]})
			b.lines = b.lines[:6]
			return m
		}, exitFindings, []string{": received more than sent: ", ", b.ndjson:1 to c.ndjson:6)\n"}, nil},
		{"records of no receiver", func() *mesh {
			m := finished(twoNodes())
			eachLine(func(_ int, rec map[string]any) { delete(meta(rec), "server_time"); delete(meta(rec), "id") })(m.node("b"))
			return m
		}, exitOK, []string{"node b: 2026-11-22 10:00:00 to 2026-11-22 10:01:00, 12 records, 1 process, clock not known\n"}, nil},
		{"a node that wrote text only", func() *mesh {
			m := finished(twoNodes())
			m.nodes = append(m.nodes, &meshNode{name: "c", lines: []string{`{"logtail":{"id":"c","proc_seq":1},"text":"hello"}`}})
			return m
		}, exitOK, []string{"node c: no windows, 1 record, 1 process, clock not known\n"}, nil},
		{"many gaps, and what the node itself says of them", func() *mesh {
			m := twoNodes()
			m.run(2 * time.Minute)
			m.finish()
			b := m.node("b")
			kept := []string{fmt.Sprintf(`{"logtail":{"id":%q,"proc_id":1001,"proc_seq":99},"text":"x","droppedEntries":87,"droppedBytes":1}`, b.id)}
			for i := 3; i < len(b.lines); i += 2 {
				kept = append(kept, b.lines[i])
			}
			b.lines = kept
			return m
		}, exitFindings, []string{"process 1001: 87 entries missing (1-3, 5, 7, 9, 11, 13, 15, 17, 19, 21, ...); the node says that it dropped 87\n"}, []string{"-complete"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := test.build()
			dir := m.write(t)
			nodes := filepath.Join(t.TempDir(), "nodes")
			qt.Assert(t, os.WriteFile(nodes, []byte(m.nodes[1].id+" b\x1b\n"), 0o600), qt.IsNil)
			code, out, errs := netlogCommand(t, "", slices.Concat([]string{"verify", "-nodes", nodes}, test.flags, []string{dir})...)
			qt.Check(t, errs, qt.Equals, "")
			qt.Check(t, code, qt.Equals, test.code)
			for _, want := range test.want {
				qt.Check(t, strings.ReplaceAll(out, dir+string(filepath.Separator), ""), qt.Contains, want)
			}
		})
	}
}
