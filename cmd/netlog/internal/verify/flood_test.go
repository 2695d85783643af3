package verify

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/cmd/netlog/internal/cli"
	"github.com/go-netlog/netlog/cmd/netlog/internal/clitest"
)

// flood writes a record of each of n nodes, at the same time.
func flood(t *testing.T, n int, rest func(i int) string) (path string) {
	t.Helper()
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"logtail":{"id":"%064x","proc_id":1,"proc_seq":1},"start":"2026-11-22T10:00:00Z","end":"2026-11-22T10:00:05Z",%s}`+"\n", i+1, rest(i))
	}
	path = filepath.Join(t.TempDir(), "flood.ndjson")
	qt.Assert(t, os.WriteFile(path, []byte(b.String()), 0o600), qt.IsNil)
	return path
}

// TestVerifyFloodBounded checks that a client with many IDs can make neither the report
// nor the memory grow without bound.
func TestVerifyFloodBounded(t *testing.T) {
	for _, test := range []struct {
		name string
		n    int
		rest func(i int) string
		want []string
	}{
		{"one nodeId for all", 4000, func(int) string { return `"nodeId":"n"` },
			[]string{`nodeId "n" of logtail.id 000000000000 is that of 000000000000 at `, " too\n", ", 1 finding\n"}},
		{"one flow of all", 4000, func(int) string {
			return `"virtualTraffic":[{"proto":6,"src":"100.64.0.1:1","dst":"100.64.0.2:2","txPkts":1}]`
		}, []string{", and so does node 000000000000 at ", ", 1 finding\n"}},
		{"one flow of all, and the other side", 1000, func(i int) string {
			if i%2 == 0 {
				return `"virtualTraffic":[{"proto":6,"src":"100.64.0.1:1","dst":"100.64.0.2:2","txPkts":1}]`
			}
			return `"virtualTraffic":[{"proto":6,"src":"100.64.0.2:2","dst":"100.64.0.1:1","txPkts":1}]`
		}, []string{"received less than sent: ", " 000000000000, ..., "}},
		{"many flows of a few pairs", 1000, func(i int) string {
			var flows []string
			for port := range 20 {
				flows = append(flows, fmt.Sprintf(`{"proto":6,"src":"100.64.0.1:%d","dst":"100.64.0.2:2","txPkts":1}`, port+1))
			}
			return `"virtualTraffic":[` + strings.Join(flows, ",") + `]`
		}, []string{"and so does node ", ", 20 findings\n"}},
		{"more claims than anyone reads", 4000, func(i int) string {
			return fmt.Sprintf(`"nodeId":"a%d","srcNode":{"nodeId":"b%[1]d"}`, i)
		}, []string{"\nnote: and 3000 more findings of this kind: disagreeing claim\n", ", 4000 findings\n"}},
		{"more addresses than anyone reads", 4000, func(i int) string {
			return fmt.Sprintf(`"virtualTraffic":[{"src":"100.64.0.1:1","dst":"100.65.%d.%d:2","txPkts":1}]`, i/256, i%256)
		}, []string{"note: no books of 100.65.0.0: ", "\nnote: and 3000 more notes\n"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := flood(t, test.n, test.rest)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, out, errs := clitest.Run(t, run, "", "verify", path)
			runtime.ReadMemStats(&after)
			qt.Check(t, strings.TrimPrefix(errs, "netlog verify: nothing could be checked: no flow is reported by two of the 4000 nodes\n"), qt.Equals, "")
			for _, want := range test.want {
				qt.Check(t, strings.Contains(out, want), qt.IsTrue, qt.Commentf("%q in %.2000s ... %s", want, out, out[max(0, len(out)-300):]))
			}
			if len(out) > 2<<20 || after.TotalAlloc-before.TotalAlloc > 400<<20 {
				t.Errorf("%d bytes of output, %d MiB allocated", len(out), (after.TotalAlloc-before.TotalAlloc)>>20)
			}
		})
	}
}

// TestVerifyLongIDsCut has IDs of a megabyte.
func TestVerifyLongIDsCut(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	dir := t.TempDir()
	const record = `{"logtail":{},"nodeId":"%s%d","srcNode":{"nodeId":"y%[1]s"},"start":"2026-11-22T10:00:00Z","end":"2026-11-22T10:00:05Z"}` + "\n"
	in := fmt.Sprintf(record, long, 1) + fmt.Sprintf(record, long, 2)
	qt.Assert(t, os.WriteFile(dir+"/flows.ndjson", []byte(in), 0o600), qt.IsNil)
	code, out, errs := clitest.Run(t, run, "", "verify", dir)
	qt.Check(t, code, qt.Equals, cli.ExitFindings, qt.Commentf("%.300s", errs))
	qt.Check(t, strings.Count(out, "disagreeing claim"), qt.Equals, 3)
	qt.Check(t, len(out) < 3000, qt.IsTrue, qt.Commentf("%d bytes", len(out)))
}
