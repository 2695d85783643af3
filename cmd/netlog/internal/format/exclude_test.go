package format

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/cmd/netlog/internal/cli"
	"github.com/go-netlog/netlog/cmd/netlog/internal/clitest"
	"github.com/go-netlog/netlog/cmd/netlog/internal/meshtest"
	"github.com/go-netlog/netlog/cmd/netlog/internal/names"
)

func TestFmtJSONRewrites(t *testing.T) {
	id := strings.Repeat("ab", 32)
	in := fmt.Sprintf(named, id)
	flow2 := `{"proto":6,"src":"100.64.0.1:4000","dst":"100.64.0.2:22","txPkts":18446744073709551615,"txBytes":40},`
	node2 := `{"nodeId":"n2","name":"be\u001b[2Jta","addresses":["100.64.0.2"],"tags":["tag:db"]},`
	for _, test := range []struct {
		name string
		args []string
		want string
	}{
		{"nothing to change leaves every byte", nil, in},
		{"an address goes from flows and nodes", []string{"-exclude", "100.64.0.2"},
			strings.Replace(strings.NewReplacer(flow2+" ", "", node2, "", ` , "new"`, `,"new"`).Replace(in), "", "", 1)},
		{"a class", []string{"-class", "exit"}, in[:strings.Index(in, `"virtualTraffic"`)] + `"exitTraffic":[{"txPkts":3}],"new":{"x":[1, 2e3]}}`},
		{"the reporter itself", []string{"-exclude", "100.64.0.1"}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			code, out, errs := clitest.Run(t, run, in, append([]string{"fmt", "-json"}, test.args...)...)
			qt.Assert(t, code, qt.Equals, cli.ExitOK, qt.Commentf("%s", errs))
			qt.Check(t, strings.TrimSuffix(out, "\n"), qt.Equals, test.want)
		})
	}
}

func TestFmtExcludesANodeFromEveryonesRecords(t *testing.T) {
	for _, test := range meshtest.All[:4] {
		t.Run(test.Name, func(t *testing.T) {
			m := test.Build()
			n := m.Nodes[len(m.Nodes)-1]
			dir := m.Write(t)
			for _, word := range []string{n.Name, n.Id, n.Addr} {
				code, out, errs := clitest.Run(t, run, "", "fmt", "-json", "-exclude", word, dir)
				qt.Assert(t, code, qt.Equals, cli.ExitOK, qt.Commentf("%s", errs))
				qt.Check(t, strings.Contains(out, n.Addr+":"), qt.IsFalse)
				if word != n.Addr {
					qt.Check(t, strings.Contains(out, n.Id), qt.IsFalse)
				}
				qt.Check(t, strings.Contains(out, m.Nodes[0].Id), qt.IsTrue)
			}
		})
	}
}

// TestFmtExcludeLeavesNoTrace has the excluded address and node in every place and
// spelling that a record can have, and beside each one that must stay.
func TestFmtExcludeLeavesNoTrace(t *testing.T) {
	const text, unknown = `{"logtail":{},"text":%q}`, `{"virtualTraffic":[],"peer":%q}`
	for _, test := range []struct{ form, exclude, goes, stays string }{
		{text, "100.64.0.2", "dial tcp 100.64.0.2:22: refused", "dial tcp 100.64.0.20:22: refused"},
		{text, "100.64.0.2", "node:100.64.0.2", "node:1.100.64.0.2"},
		{text, "100.64.0.2", "src:100.64.0.2.", "src:100.64.0.22"},
		{text, "100.64.0.2", "https://host/a/100.64.0.2/b", "https://host/a/100.64.0.3/b"},
		{text, "100.64.0.2", "10.0.0.1/100.64.0.2", "10.0.0.1/100.64.0.1"},
		{text, "100.64.0.2", "at ip-100-64-0-2.internal", "at ip-100-64-0-21.internal"},
		{text, "100.64.0.0/30", "::ffff:100.64.0.2 is gone", "::ffff:100.64.0.4 is gone"},
		{text, "::ffff:100.64.0.0/126", "100.64.0.2 is gone", "100.64.0.4 is gone"},
		{text, "::ffff:6440:2", "100.64.0.2 is gone", "100.64.0.4 is gone"},
		{text, "100.64.0.2", "from ::ffff:6440:2", "from ::ffff:6440:3"},
		{text, "fd7a::1", "node:fd7a::1", "node:fd7a::2"},
		{text, "fd7a::1", "FD7A:0:0:0:0:0:0:1 left", "FD7A:0:0:0:0:0:0:2 left"},
		{text, "fd7a::1", "no route to [fd7a::1%eth0]:443", "no route to [fd7a::2%eth0]:443"},
		{unknown, "100.64.0.2", "100.64.0.2", "100.64.0.20"},
		{unknown, "100.64.0.2", "[::ffff:100.64.0.2]:80", "[::ffff:100.64.0.20]:80"},
		{unknown, "100.64.0.2", "100.64.0.2/24", "100.64.0.0/24"},
		{unknown, "fd7a::1", "fd7a::1%eth0", "fd7a::1:2"},
	} {
		goes, stays := fmt.Sprintf(test.form, test.goes), fmt.Sprintf(test.form, test.stays)
		_, out, _ := clitest.Run(t, run, goes+"\n"+stays, "fmt", "-json", "-exclude", test.exclude)
		qt.Check(t, out, qt.Equals, stays+"\n", qt.Commentf("without %s: %s", test.exclude, test.goes))
	}
}

func TestFmtExcludeLeavesNoTraceOfANode(t *testing.T) {
	const form = `{"logtail":{"id":"%064x","proc_seq":1},"nodeId":%q,"srcNode":{"nodeId":%[2]q,"name":%[2]q,"os":"linux","tags":["tag:web1"]},` +
		`"virtualTraffic":[{"proto":6,"src":"100.64.0.%[1]d:1","dst":"100.64.0.9:2","txPkts":1}]%[3]s}`
	const keys = `,"note":"web1 web1-a start"`
	records := []struct {
		stays bool
		line  string
	}{
		{false, fmt.Sprintf(form, 1, "web1", "")},
		{true, fmt.Sprintf(form, 2, "web10", "")},
		{true, fmt.Sprintf(form, 3, "web2", `,"note":"web1-a web10 start"`)},
		{false, fmt.Sprintf(form, 4, "web3", keys)},
		{false, `{"logtail":{"proc_seq":2},"text":"handshake with Web1."}`},
		{false, `{"logtail":{"proc_seq":3},"peers":{"100.64.0.1":1}}`},
	}
	var in, want strings.Builder
	for _, r := range records {
		fmt.Fprintln(&in, r.line)
		if r.stays {
			fmt.Fprintln(&want, r.line)
		}
	}
	path := filepath.Join(t.TempDir(), "flows.ndjson")
	qt.Assert(t, os.WriteFile(path, []byte(in.String()), 0o600), qt.IsNil)
	for _, word := range []string{"web1", fmt.Sprintf("%064X", 1)} {
		_, out, errs := clitest.Run(t, run, "", "fmt", "-json", "-exclude", word, path)
		qt.Check(t, out, qt.Equals, want.String(), qt.Commentf("%s: %s", word, errs))
	}
}

// TestFmtExcludesANodeByWhatOthersCallIt has one record that knows the name, one that
// knows the ID and one that knows the address, in every order.
func TestFmtExcludesANodeByWhatOthersCallIt(t *testing.T) {
	const flows = `"virtualTraffic":[{"src":"100.64.0.1:1","dst":"100.64.0.%d:2","txPkts":1},{"src":"100.64.0.1:1","dst":"100.64.0.9:2","txPkts":2}]}`
	id := func(n int) string { return fmt.Sprintf("%064x", n) }
	for _, test := range []struct {
		name    string
		records []string
	}{
		{"addresses beside an ID, a name beside that ID", []string{
			`{"nodeId":"n1","dstNodes":[{"nodeId":"n2","addresses":["100.64.0.2"]}],` + fmt.Sprintf(flows, 2),
			`{"nodeId":"n2","srcNode":{"nodeId":"n2","name":"web"},"exitTraffic":[{"txPkts":1}]}`,
		}},
		{"a name beside an ID, a public ID beside that ID, an address in its own flows", []string{
			`{"logtail":{"id":"` + id(1) + `"},"dstNodes":[{"nodeId":"n2","name":"web"}],` + fmt.Sprintf(flows, 2),
			`{"logtail":{"id":"` + id(2) + `"},"nodeId":"n2","virtualTraffic":[{"src":"100.64.0.2:2","dst":"100.64.0.1:1","rxPkts":1}]}`,
		}},
		{"a name beside an address", []string{
			`{"nodeId":"n1","dstNodes":[{"name":"web","addresses":["100.64.0.2"]}],` + fmt.Sprintf(flows, 2),
			`{"nodeId":"n3","dstNodes":[{"nodeId":"n2","name":"web"}],"exitTraffic":[{"txPkts":1}]}`,
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for range 2 {
				slices.Reverse(test.records)
				path := filepath.Join(t.TempDir(), "flows.ndjson")
				qt.Assert(t, os.WriteFile(path, []byte(strings.Join(test.records, "\n")), 0o600), qt.IsNil)
				code, out, errs := clitest.Run(t, run, "", "fmt", "-json", "-exclude", "web", path)
				qt.Check(t, code, qt.Equals, cli.ExitOK, qt.Commentf("%s", errs))
				for _, trace := range []string{"100.64.0.2", "n2", "web", id(2)} {
					qt.Check(t, out, qt.Not(qt.Contains), trace)
				}
				qt.Check(t, out, qt.Contains, `"virtualTraffic":[{"src":"100.64.0.1:1","dst":"100.64.0.9:2","txPkts":2}]}`)
			}
		})
	}
	code, out, errs := clitest.Run(t, run, "{}", "fmt", "-json", "-exclude", "web")
	qt.Check(t, code, qt.Equals, cli.ExitFindings)
	qt.Check(t, out, qt.Equals, "")
	qt.Check(t, errs, qt.Matches, "netlog fmt: -exclude of a node must read its input twice: .*\n")
}

// TestFmtExcludeOfANodeFailsWhereItCannotKnowWhoIsWho: what it has no room to learn, it
// would leave in.
func TestFmtExcludeOfANodeFailsWhereItCannotKnowWhoIsWho(t *testing.T) {
	const alice = `{"logtail":{"id":"a"},"nodeId":"alice","virtualTraffic":[{"src":"100.64.0.9:1","dst":"100.64.0.2:2","txPkts":1}]}` + "\n" +
		`{"logtail":{"id":"b"},"nodeId":"bob","virtualTraffic":[{"src":"100.64.0.2:2","dst":"100.64.0.9:1","rxPkts":1}]}` + "\n"
	addresses := func(n int) string {
		return list(n, `{"logtail":{"id":"c"},"nodeId":"scan","subnetTraffic":[`, func(i int) string {
			return fmt.Sprintf(`{"src":"10.%d.%d.%d:1","dst":"100.64.0.2:2","txPkts":1}`, i>>16, i>>8&255, i&255)
		})
	}
	nodes := func(n int) string {
		return list(n, `{"logtail":{"id":"b"},"exitTraffic":[{"txPkts":1}],"dstNodes":[`, func(i int) string { return fmt.Sprintf(`{"nodeId":"n%d"}`, i) })
	}
	for _, test := range []struct {
		name, in, word string
		fails          bool
	}{
		{"as many addresses as there is room for", addresses(names.MaxNames-2) + alice, "alice", false},
		{"one more", addresses(names.MaxNames-1) + alice, "alice", true},
		{"so many that its own finds none", addresses(names.MaxNames) + alice, "alice", true},
		{"one more, behind its own", alice + addresses(names.MaxNames-1), "alice", true},
		{"its address is known without", addresses(names.MaxNames) + alice, "100.64.0.9", false},
		{"as many nodes as there is room for", nodes(names.MaxNames-3) + alice, "alice", false},
		{"one node more", nodes(names.MaxNames) + alice, "alice", true},
		{"its address is known without any node", nodes(names.MaxNames) + alice, "100.64.0.9", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "flows.ndjson")
			qt.Assert(t, os.WriteFile(path, []byte(test.in), 0o600), qt.IsNil)
			code, out, errs := clitest.Run(t, run, "", "fmt", "-json", "-exclude", test.word, path)
			qt.Check(t, strings.Contains(out, "100.64.0.9"), qt.IsFalse)
			qt.Check(t, out == "", qt.Equals, test.fails)
			if test.fails {
				qt.Check(t, code, qt.Equals, cli.ExitFailed)
				qt.Check(t, errs, qt.Matches, "netlog fmt: -exclude of a node must know .* more than 65536 .*: give fewer files or days at once, or .*\n")
			} else {
				qt.Check(t, code, qt.Equals, cli.ExitOK, qt.Commentf("%s", errs))
			}
		})
	}
}

// list returns a record with a list of n elements.
func list(n int, start string, element func(i int) string) string {
	var b strings.Builder
	b.WriteString(start)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(element(i))
	}
	return b.String() + "]}\n"
}
