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
	const (
		head  = `{"nodeId":"n1","start":"2026-11-22T10:00:00Z","end":"2026-11-22T10:00:05Z","srcNode":{"nodeId":"n1","name":"alpha","addresses":["100.64.0.1"],"user":"ann"},`
		node2 = `{"nodeId":"n2","name":"be\u001b[2Jta","addresses":["100.64.0.2"],"tags":["tag:db"]}`
		node3 = `{"nodeId":"n3","name":"gamma","addresses":["100.64.0.3"]}`
		flow3 = `{"proto":6,"src":"100.64.0.1:4000","dst":"100.64.0.3:22","txPkts":1,"txBytes":40}`
	)
	tail := `"exitTraffic":[{"txPkts":3}],"logtail":{"id":"` + id + `","proc_id":1,"proc_seq":1}}`
	for _, test := range []struct {
		name string
		args []string
		want string
	}{
		{"nothing to change leaves every byte", nil, in},
		{"all flows are wanted", []string{"-class", "virtual,exit"}, in},
		{"an address goes from flows and nodes", []string{"-exclude", "100.64.0.2"}, head + `"dstNodes":[` + node3 + `],"virtualTraffic":[` + flow3 + `],` + tail},
		{"an address that is not there", []string{"-exclude", "100.64.0.9"}, head + `"dstNodes":[` + node2 + "," + node3 + `],"virtualTraffic":[` +
			strings.NewReplacer("0.3:22", "0.2:22", `"txPkts":1,`, `"txPkts":18446744073709551615,`).Replace(flow3) + "," + flow3 + `],` + tail},
		{"a class", []string{"-class", "exit"}, head + `"dstNodes":[` + node2 + "," + node3 + `],` + tail},
		{"the reporter itself", []string{"-exclude", "100.64.0.1"}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			code, out, errs := clitest.Run(t, run, in, append([]string{"fmt", "-json"}, test.args...)...)
			qt.Assert(t, code, qt.Equals, cli.ExitOK, qt.Commentf("%s", errs))
			qt.Check(t, strings.TrimSuffix(out, "\n"), qt.Equals, test.want)
		})
	}
}

func TestFmtExcludeNode(t *testing.T) {
	for _, test := range meshtest.All[:4] {
		t.Run(test.Name, func(t *testing.T) {
			m := test.Build()
			n := m.Nodes[len(m.Nodes)-1]
			dir := m.Write(t)
			for _, word := range []string{n.Name, n.ID, n.Addr} {
				code, out, errs := clitest.Run(t, run, "", "fmt", "-json", "-exclude", word, dir)
				qt.Assert(t, code, qt.Equals, cli.ExitOK, qt.Commentf("%s", errs))
				qt.Check(t, strings.Contains(out, n.Addr+":"), qt.IsFalse)
				if word != n.Addr {
					qt.Check(t, strings.Contains(out, n.ID), qt.IsFalse)
				}
				qt.Check(t, strings.Contains(out, m.Nodes[0].ID), qt.IsTrue)
			}
		})
	}
}

// TestFmtExcludeAddressSpellings checks every spelling of an excluded address, beside one
// that must stay.
func TestFmtExcludeAddressSpellings(t *testing.T) {
	const form = `{"exitTraffic":[{"src":"%s","txPkts":1},{"src":"%s","txPkts":2}]}`
	for _, test := range []struct{ exclude, goes, stays string }{
		{"100.64.0.2", "100.64.0.2:22", "100.64.0.20:22"},
		{"100.64.0.2", "[::ffff:100.64.0.2]:80", "[::ffff:100.64.0.20]:80"},
		{"100.64.0.0/30", "[::ffff:100.64.0.2]:1", "[::ffff:100.64.0.4]:1"},
		{"::ffff:100.64.0.0/126", "100.64.0.2:1", "100.64.0.4:1"},
		{"::ffff:6440:2", "100.64.0.2:1", "100.64.0.4:1"},
		{"100.64.0.2", "[::ffff:6440:2]:1", "[::ffff:100.64.0.3]:1"},
		{"fd7a::1", "[fd7a::1]:1", "[fd7a::2]:1"},
		{"fd7a::1", "[FD7A:0:0:0:0:0:0:1]:1", "[fd7a::2]:1"},
		{"fd7a::1", "[fd7a::1%eth0]:443", "[fd7a::2]:443"},
	} {
		_, out, _ := clitest.Run(t, run, fmt.Sprintf(form, test.goes, test.stays), "fmt", "-json", "-exclude", test.exclude)
		qt.Check(t, out, qt.Equals, fmt.Sprintf(`{"exitTraffic":[{"src":"%s","txPkts":2}]}`+"\n", test.stays), qt.Commentf("without %s: %s", test.exclude, test.goes))
	}
	for in, want := range map[string]string{
		`{"logtail":{},"text":"dial tcp 100.64.0.2:22: refused"}`:                                               "",
		`{"logtail":{},"text":"all is well"}`:                                                                   "", // nobody can tell
		`{"deniedTraffic":[{"src":"100.64.0.2:1","rxPkts":1},{"src":"100.64.0.3:1","rxPkts":1,"rxFlags":2}]}`:   `{"deniedTraffic":[{"src":"100.64.0.3:1","rxPkts":1,"rxFlags":2}]}` + "\n",
		`{"logtail":{"error":"100.64.0.2","proc_seq":1},"virtualTraffic":[],"peer":"100.64.0.2"}`:               `{"logtail":{"proc_seq":1}}` + "\n",
		`{"nodeId":"a","dstNodes":[{"name":"100.64.0.2"},{"name":"100.64.0.20"}],"exitTraffic":[{"txPkts":1}]}`: `{"nodeId":"a","dstNodes":[{"name":"100.64.0.20"}],"exitTraffic":[{"txPkts":1}]}` + "\n",
	} {
		_, out, _ := clitest.Run(t, run, in, "fmt", "-json", "-exclude", "100.64.0.2")
		qt.Check(t, out, qt.Equals, want, qt.Commentf("%s", in))
	}
}

func TestFmtExcludeNodeNames(t *testing.T) {
	record := func(n int, name, more string) string {
		return fmt.Sprintf(`{"nodeId":%[2]q,"srcNode":{"nodeId":%[2]q,"name":%[2]q,"os":"linux","tags":["tag:web1"]},`+
			`"virtualTraffic":[{"proto":6,"src":"100.64.0.%[1]d:1","dst":"100.64.0.9:2","txPkts":1}]%[3]s,"logtail":{"id":"%064[1]x","proc_seq":1}}`+"\n", n, name, more)
	}
	records := []struct{ in, want string }{
		{record(1, "web1", ""), ""},
		{record(2, "web10", ""), record(2, "web10", "")},
		{record(3, "web3", `,"note":"web1 web1-a start"`), record(3, "web3", "")},
		{record(4, "web4", `,"dstNodes":[{"nodeId":"n","user":"web1"}]`), record(4, "web4", "")},
		{`{"logtail":{"id":"x"},"nodeId":"web1"}` + "\n", ""},
		{`{"logtail":{"proc_seq":2},"text":"handshake with Web1."}` + "\n", ""},
		{`{"logtail":{"proc_seq":3},"peers":{"100.64.0.1":1}}` + "\n", `{"logtail":{"proc_seq":3}}` + "\n"},
	}
	var in, want strings.Builder
	for _, r := range records {
		in.WriteString(r.in)
		want.WriteString(r.want)
	}
	path := filepath.Join(t.TempDir(), "flows.ndjson")
	qt.Assert(t, os.WriteFile(path, []byte(in.String()), 0o600), qt.IsNil)
	for _, word := range []string{"web1", fmt.Sprintf("%064X", 1)} {
		_, out, errs := clitest.Run(t, run, "", "fmt", "-json", "-exclude", word, path)
		qt.Check(t, out, qt.Equals, want.String(), qt.Commentf("%s: %s", word, errs))
	}
}

// TestFmtExcludeNodeAliases has the name, the ID and the address of the node in different
// records, in every order.
func TestFmtExcludeNodeAliases(t *testing.T) {
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
				qt.Check(t, out, qt.Contains, `"virtualTraffic":[{"src":"100.64.0.1:1","dst":"100.64.0.9:2","txPkts":2}]`)
			}
		})
	}
	code, out, errs := clitest.Run(t, run, "{}", "fmt", "-json", "-exclude", "web")
	qt.Check(t, code, qt.Equals, cli.ExitFindings)
	qt.Check(t, out, qt.Equals, "")
	qt.Check(t, errs, qt.Matches, "netlog fmt: -exclude of a node reads the input twice: .*\n")
}

// TestFmtExcludeNodeTooManyNames checks that fmt fails if it cannot learn all names,
// since it would leave some in.
func TestFmtExcludeNodeTooManyNames(t *testing.T) {
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
