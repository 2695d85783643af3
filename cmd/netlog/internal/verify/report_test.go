package verify

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/cmd/netlog/internal/cli"
	"github.com/go-netlog/netlog/cmd/netlog/internal/clitest"
	"github.com/go-netlog/netlog/cmd/netlog/internal/meshtest"
)

// TestVerifyReport checks lines of the report that are not in the golden files.
func TestVerifyReport(t *testing.T) {
	for _, test := range []struct {
		name  string
		build func() *meshtest.Mesh
		code  int
		want  []string
		flags []string
	}{
		{"a name of the operator's", func() *meshtest.Mesh {
			m := meshtest.Finished(meshtest.TwoNodes())
			m.Node("b").Lines = slices.Delete(m.Node("b").Lines, 3, 4)
			return m
		}, cli.ExitFindings, []string{`b.ndjson:1: sequence gap: node b\x1b, process 1001: 1 entry missing (4)` + "\n", `node b\x1b: 2026-11-22 10:00:00 to `}, nil},
		{"more places than anyone reads", func() *meshtest.Mesh {
			m := meshtest.Finished(meshtest.TwoNodes())
			m.Node("b").Lines = append(m.Node("b").Lines, strings.Repeat("x}\n", 100+5))
			return m
		}, cli.ExitFindings, []string{"b.ndjson:112: unreadable: ", "\nnote: 5 more places cannot be read\n", ", 100 findings\n"}, nil},
		{"a flow whose lines are in two files", func() *meshtest.Mesh {
			m := meshtest.Finished(meshtest.TwoNodes())
			b := m.Node("b")
			b.Lines[3] = meshtest.ChangeCount(b.Lines[3], 0, "rxPkts", 1)
			m.Nodes = append(m.Nodes, &meshtest.Node{Name: "c", Lines: b.Lines[6:]})
			b.Lines = b.Lines[:6]
			return m
		}, cli.ExitFindings, []string{": received more than sent: ", ", b.ndjson:1 to c.ndjson:6)\n"}, nil},
		{"records of no receiver", func() *meshtest.Mesh {
			m := meshtest.Finished(meshtest.TwoNodes())
			meshtest.EachLine(func(_ int, rec map[string]any) {
				delete(meshtest.Meta(rec), "server_time")
				delete(meshtest.Meta(rec), "id")
			})(m.Node("b"))
			return m
		}, cli.ExitOK, []string{"node b: 2026-11-22 10:00:00 to 2026-11-22 10:01:00, 12 records, 1 process, clock not known\n"}, nil},
		{"a node that wrote text only", func() *meshtest.Mesh {
			m := meshtest.Finished(meshtest.TwoNodes())
			m.Nodes = append(m.Nodes, &meshtest.Node{Name: "c", Lines: []string{`{"logtail":{"id":"c","proc_seq":1},"text":"hello"}`}})
			return m
		}, cli.ExitOK, []string{"node c: no windows, 1 record, 1 process, clock not known\n"}, nil},
		{"many gaps, and what the node itself says of them", func() *meshtest.Mesh {
			m := meshtest.TwoNodes()
			m.Run(2 * time.Minute)
			m.Finish()
			b := m.Node("b")
			kept := []string{fmt.Sprintf(`{"logtail":{"id":%q,"proc_id":1001,"proc_seq":99},"text":"x","droppedEntries":87,"droppedBytes":1}`, b.ID)}
			for i := 3; i < len(b.Lines); i += 2 {
				kept = append(kept, b.Lines[i])
			}
			b.Lines = kept
			return m
		}, cli.ExitFindings, []string{"process 1001: 87 entries missing (1-3, 5, 7, 9, 11, 13, 15, 17, 19, 21, ...); the node says that it dropped 87\n"}, []string{"-complete"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := test.build()
			dir := m.Write(t)
			nodes := filepath.Join(t.TempDir(), "nodes")
			qt.Assert(t, os.WriteFile(nodes, []byte(m.Nodes[1].ID+" b\x1b\n"), 0o600), qt.IsNil)
			code, out, errs := clitest.Run(t, run, "", slices.Concat([]string{"verify", "-nodes", nodes}, test.flags, []string{dir})...)
			qt.Check(t, errs, qt.Equals, "")
			qt.Check(t, code, qt.Equals, test.code)
			for _, want := range test.want {
				qt.Check(t, strings.ReplaceAll(out, dir+string(filepath.Separator), ""), qt.Contains, want)
			}
		})
	}
}
