package format

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	qt "github.com/frankban/quicktest"
	"github.com/klauspost/compress/zstd"

	"github.com/go-netlog/netlog/cmd/netlog/internal/cli"
	"github.com/go-netlog/netlog/cmd/netlog/internal/clitest"
	"github.com/go-netlog/netlog/cmd/netlog/internal/meshtest"
	"github.com/go-netlog/netlog/internal/records"
	"github.com/go-netlog/netlog/record"
)

func TestFmtGolden(t *testing.T) {
	for _, test := range meshtest.All {
		t.Run(test.Name, func(t *testing.T) {
			dir := test.Build().Write(t)
			_, out, _ := clitest.Run(t, run, "", "fmt", dir)
			clitest.Golden(t, test.Name, dir, []byte(out))
		})
	}
}

func TestFmtWidth(t *testing.T) {
	m := meshtest.Finished(meshtest.SubnetRouter(false))
	dir := m.Write(t)
	for _, width := range []int{80, 200} {
		code, out, errs := clitest.Run(t, run, "", "fmt", "-width", strconv.Itoa(width), dir)
		qt.Assert(t, code, qt.Equals, cli.ExitOK, qt.Commentf("%s", errs))
		for line := range strings.Lines(out) {
			qt.Check(t, utf8.RuneCountInString(line) <= width+1, qt.IsTrue, qt.Commentf("%q", line))
		}
		clitest.Golden(t, fmt.Sprintf("width-%d", width), dir, []byte(out))
	}
}

// TestFmtWideNames checks that wide characters count as two columns.
func TestFmtWideNames(t *testing.T) {
	const in = `{"srcNode":{"nodeId":"n1","name":"東京の出口サーバー","addresses":["100.64.0.1"]},"start":"2026-11-22T10:00:00Z","end":"2026-11-22T10:00:05Z",` +
		`"virtualTraffic":[{"proto":6,"src":"100.64.0.1:22","dst":"100.64.0.2:4000","txBytes":50},{"proto":6,"src":"100.64.0.2:80","dst":"100.64.0.1:4000","txBytes":5}]}`
	_, out, _ := clitest.Run(t, run, in, "fmt", "-resolve", "name", "-width", "70")
	qt.Check(t, strings.Join(strings.SplitAfter(out, "\n")[:3], ""), qt.Equals, `class   proto source        destination    tx p/s tx B/s rx p/s rx B/s
virtual TCP   東京~バー:22  100.~.0.2:4000      0   10.0      0      0
virtual TCP   100.64.0.2:80 東京~バー:4000      0   1.00      0      0
`)
}

// TestFmtInputForms checks that the form of the input does not change the table.
func TestFmtInputForms(t *testing.T) {
	m := meshtest.Finished(meshtest.TwoNodes())
	dir := m.Write(t)
	_, want, _ := clitest.Run(t, run, "", "fmt", dir)
	all := strings.Join(append(m.Node("a").Lines, m.Node("b").Lines...), "\n")
	array := "[" + strings.ReplaceAll(all, "\n", ",") + "]"
	enc, err := zstd.NewWriter(nil)
	qt.Assert(t, err, qt.IsNil)
	var pretty bytes.Buffer
	qt.Assert(t, json.Indent(&pretty, []byte(array), "", "  "), qt.IsNil)
	for name, in := range map[string]string{
		"lines": all, "array": array, "indented": pretty.String(),
		"envelope":  `{"tailnet":"x","logs":` + array + `}`,
		"zstd":      string(enc.EncodeAll([]byte(all), nil)),
		"two times": all + "\n" + all, // delivery is at least once
	} {
		_, got, _ := clitest.Run(t, run, in, "fmt")
		qt.Check(t, got, qt.Equals, want, qt.Commentf("%s", name))
	}
}

// TestFmtConflictKeepsBoth has two different records with one number, which the receiver
// marked. A duplicate of the first is left out.
func TestFmtConflictKeepsBoth(t *testing.T) {
	const other = `{"logtail":{"proc_id":1,"proc_seq":1,"conflict":true},"text":"b"}` + "\n"
	const in = `{"logtail":{"proc_id":1,"proc_seq":1},"text":"a"}` + "\n"
	_, out, _ := clitest.Run(t, run, in+other+in, "fmt", "-json")
	qt.Check(t, out, qt.Equals, in+other)
}

// TestFmtProcessesBounded has more processes than are remembered. A duplicate that
// follows at once is still recognized.
func TestFmtProcessesBounded(t *testing.T) {
	c := formatter{seen: make(map[process]*records.Seqs)}
	for i := range uint32(maxProcesses + 10) {
		rec := &records.Record{Entry: record.Entry{Logtail: record.Meta{ID: "a", ProcID: i, ProcSeq: 1}}}
		if !c.isNew(rec) || c.isNew(rec) {
			t.Fatalf("process %d", i)
		}
	}
	qt.Check(t, c.seen, qt.HasLen, 10)
}

// TestFmtNodePrefixOfPublicIDOnly has node IDs of which one begins with the other.
func TestFmtNodePrefixOfPublicIDOnly(t *testing.T) {
	const in = `{"nodeId":"web1","exitTraffic":[` + "\n {\"txPkts\": 1}\n]}\n" + `{"nodeId":"web10","exitTraffic":[{"txPkts":1}]}`
	_, out, _ := clitest.Run(t, run, in, "fmt", "-json", "-node", "web1")
	qt.Check(t, out, qt.Equals, `{"nodeId":"web1","exitTraffic":[{"txPkts":1}]}`+"\n")
}

func TestFmtFilters(t *testing.T) {
	m := meshtest.Finished(meshtest.SubnetRouter(false))
	dir := m.Write(t)
	client := m.Node("client")
	nodes := filepath.Join(t.TempDir(), "nodes")
	qt.Assert(t, os.WriteFile(nodes, []byte("# names\n"+client.ID+" lap top\n"), 0o600), qt.IsNil)
	for _, test := range []struct {
		name      string
		args      []string
		want, not string
	}{
		{"a class", []string{"-class", "subnet"}, "192.168.1.10:80", "virtual"},
		{"another class", []string{"-class", "virtual,exit"}, "0 entries", "192.168"},
		{"a node by its name", []string{"-node", "client2"}, "192.168.1.11:80", "192.168.1.10:80"},
		{"a node by the start of its ID", []string{"-node", client.ID[:8]}, "192.168.1.10:80", "192.168.1.11:80"},
		{"a node by the operator's name", []string{"-nodes", nodes, "-node", "lap top"}, "192.168.1.10:80", "192.168.1.11:80"},
		{"an address", []string{"-node", "192.168.1.11"}, "192.168.1.11:80", "192.168.1.10:80"},
		{"a prefix", []string{"-node", "192.168.0.0/16"}, "192.168.1.11:80", "virtual"},
		{"a time", []string{"-since", "2026-11-22T10:00:58Z"}, "10:01:00 UTC", "10:00:50"},
		{"no time at all", []string{"-since", "2036-11-22"}, "0 records", "192.168"},
		{"the largest", []string{"-top", "1"}, "(and 2 more)", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			code, out, errs := clitest.Run(t, run, "", append(append([]string{"fmt"}, test.args...), dir)...)
			qt.Assert(t, code, qt.Equals, cli.ExitOK, qt.Commentf("%s", errs))
			qt.Check(t, out, qt.Contains, test.want)
			if test.not != "" {
				qt.Check(t, out, qt.Not(qt.Contains), test.not)
			}
		})
	}
}

// connections are two windows of two nodes: an SSH connection, one that is refused, one that is denied, one that
// is not answered, and two UDP flows of one direction each.
const connections = `
{"nodeId":"a","start":"2026-11-22T10:00:00Z","end":"2026-11-22T10:00:05Z","virtualTraffic":[
 {"proto":6,"src":"10.0.0.1:40000","dst":"10.0.0.2:22","txPkts":9,"txBytes":900,"rxPkts":9,"rxBytes":9000,"txFlags":2,"rxFlags":18},
 {"proto":6,"src":"10.0.0.1:40002","dst":"10.0.0.2:23","txPkts":1,"txBytes":60,"rxPkts":1,"rxBytes":40,"txFlags":2,"rxFlags":4},
 {"proto":6,"src":"10.0.0.1:40004","dst":"10.0.0.2:25","txPkts":3,"txBytes":180,"txFlags":2},
 {"proto":6,"src":"10.0.0.1:40006","dst":"10.0.0.9:80","txPkts":4,"txBytes":240,"txFlags":2},
 {"proto":17,"src":"10.0.0.1:514","dst":"10.0.0.2:40514","txPkts":5,"txBytes":500},
 {"proto":17,"src":"10.0.0.1:40515","dst":"10.0.0.2:515","rxPkts":6,"rxBytes":600}]}
{"nodeId":"b","start":"2026-11-22T10:00:00Z","end":"2026-11-22T10:00:05Z","virtualTraffic":[
 {"proto":6,"src":"10.0.0.2:22","dst":"10.0.0.1:40000","txPkts":9,"txBytes":9000,"rxPkts":9,"rxBytes":900,"txFlags":18,"rxFlags":2},
 {"proto":6,"src":"10.0.0.2:23","dst":"10.0.0.1:40002","txPkts":1,"txBytes":40,"rxPkts":1,"rxBytes":60,"txFlags":4,"rxFlags":2},
 {"proto":17,"src":"10.0.0.2:40514","dst":"10.0.0.1:514","rxPkts":5,"rxBytes":500},
 {"proto":17,"src":"10.0.0.2:515","dst":"10.0.0.1:40515","txPkts":6,"txBytes":600}],"deniedTraffic":[
 {"proto":6,"src":"10.0.0.2:25","dst":"10.0.0.1:40004","rxPkts":3,"rxBytes":180,"rxFlags":2}]}
{"nodeId":"a","start":"2026-11-22T10:00:05.000000001Z","end":"2026-11-22T10:00:10Z","virtualTraffic":[
 {"proto":6,"src":"10.0.0.1:40000","dst":"10.0.0.2:22","txPkts":2,"txBytes":100,"rxPkts":2,"rxBytes":100,"txFlags":1,"rxFlags":1}]}
`

func TestFmtStates(t *testing.T) {
	const (
		ssh        = "virtual TCP 10.0.0.1:40000 10.0.0.2:22 closed 1.10 100 1.10 910"
		fromB      = "virtual UDP 10.0.0.2:515 10.0.0.1:40515 0.60 60.0 0 0"
		fromA      = "virtual UDP 10.0.0.1:514 10.0.0.2:40514 0.50 50.0 0 0"
		unanswered = "virtual TCP 10.0.0.1:40006 10.0.0.9:80 unanswered 0.40 24.0 0 0"
		filtered   = "virtual TCP 10.0.0.1:40004 10.0.0.2:25 unanswered 0.30 18.0 0 0"
		denied     = "denied TCP 10.0.0.1:40004 10.0.0.2:25 denied 0.30 18.0 0 0"
		refused    = "virtual TCP 10.0.0.1:40002 10.0.0.2:23 refused 0.10 6.00 0.10 4.00"
		total      = "denied total, 1 flow, 180B 0.30 18.0 0 0"
	)
	for _, test := range []struct {
		args string
		want []string
	}{
		{"", []string{ssh, fromB, fromA, unanswered, filtered, denied, refused, "virtual total, 6 flows, 11.7kB 3.00 258 1.20 914", total}},
		{"-state refused,unanswered,denied", []string{unanswered, filtered, denied, refused, "virtual total, 3 flows, 520B 0.80 48.0 0.10 4.00", total}},
		{"-state closed -node 10.0.0.1", []string{ssh, "virtual total, 1 flow, 10.1kB 1.10 100 1.10 910"}},
		{"-state unknown", []string{fromB, fromA, "virtual total, 2 flows, 1.10kB 1.10 110 0 0"}},
		{"-class denied", []string{"denied TCP 10.0.0.1:40004 10.0.0.2:25 denied 0.60 36.0 0 0", "denied total, 1 flow, 180B 0.60 36.0 0 0"}}, // in 5 seconds
		{"-class denied -state refused", nil},
		{"-node 10.0.0.9", []string{"virtual TCP 10.0.0.1:40006 10.0.0.9:80 unanswered 0.80 48.0 0 0", "virtual total, 1 flow, 240B 0.80 48.0 0 0"}},
		{"-node b -class virtual -state refused", []string{
			"virtual TCP 10.0.0.1:40002 10.0.0.2:23 refused 0.20 12.0 0.20 8.00", "virtual total, 1 flow, 100B 0.20 12.0 0.20 8.00",
		}},
	} {
		code, out, errs := clitest.Run(t, run, connections, append([]string{"fmt"}, strings.Fields(test.args)...)...)
		qt.Assert(t, code, qt.Equals, cli.ExitOK, qt.Commentf("%s", errs))
		var got []string
		for line := range strings.Lines(out) {
			if line = strings.Join(strings.Fields(line), " "); strings.HasPrefix(line, "virtual") || strings.HasPrefix(line, "denied") {
				got = append(got, line)
			}
		}
		qt.Check(t, got, qt.DeepEquals, test.want, qt.Commentf("%s", test.args))
	}
}

const named = `{"logtail":{"id":"%s","proc_id":1,"proc_seq":1},"nodeId":"n1","start":"2026-11-22T10:00:00Z","end":"2026-11-22T10:00:05Z",` +
	`"srcNode":{"nodeId":"n1","name":"alpha","addresses":["100.64.0.1"],"user":"ann"},` +
	`"dstNodes":[{"nodeId":"n2","name":"be\u001b[2Jta","addresses":["100.64.0.2"],"tags":["tag:db"]},{"nodeId":"n3","name":"gamma","addresses":["100.64.0.3"]}],` +
	`"virtualTraffic":[{"proto":6,"src":"100.64.0.1:4000","dst":"100.64.0.2:22","txPkts":18446744073709551615,"txBytes":40},` +
	` {"proto":6,"src":"100.64.0.1:4000","dst":"100.64.0.3:22","txPkts":1,"txBytes":40}],"exitTraffic":[{"txPkts":3}] , "new":{"x":[1, 2e3]}}`

func TestFmtResolve(t *testing.T) {
	id := strings.Repeat("ab", 32)
	in := fmt.Sprintf(named, id)
	nodes := filepath.Join(t.TempDir(), "nodes")
	qt.Assert(t, os.WriteFile(nodes, []byte(id+" trusted\n"), 0o600), qt.IsNil)
	bare := fmt.Sprintf(`{"logtail":{"id":"%s"},"virtualTraffic":[{"proto":6,"src":"100.64.0.1:4000","dst":"100.64.0.2:22","txBytes":1}]}`, id)
	for _, test := range []struct {
		in   string
		args []string
		want []string
	}{
		{in, []string{"-resolve", "name"}, []string{"alpha:4000", `be\x1b[2Jta:22`, "gamma:22"}},
		{in, []string{"-resolve", "user"}, []string{"ann:4000", "tag:db:22", "100.64.0.3:22"}},
		{in, []string{"-resolve", "id"}, []string{"n1:4000", "n2:22"}},
		{in, []string{"-resolve", "name", "-nodes", nodes}, []string{"trusted:4000", "gamma:22"}},
		{bare, []string{"-resolve", "id"}, []string{" abababababab:4000 100.64.0.2:22 "}},
		{in, nil, []string{"100.64.0.1:4000", "abababababab", "(exit)"}},
	} {
		code, out, errs := clitest.Run(t, run, test.in, append([]string{"fmt"}, test.args...)...)
		qt.Assert(t, code, qt.Equals, cli.ExitOK, qt.Commentf("%s", errs))
		for _, want := range test.want {
			qt.Check(t, out, qt.Contains, want)
		}
	}
}

func TestFmtUnreadableInput(t *testing.T) {
	code, out, errs := clitest.Run(t, run, "{\"virtualTraffic\":[\n"+fmt.Sprintf(named, "x"), "fmt")
	qt.Check(t, code, qt.Equals, cli.ExitFailed)
	qt.Check(t, errs, qt.Contains, "-:1: a record is torn")
	qt.Check(t, out, qt.Contains, "1 record")
	code, _, errs = clitest.Run(t, run, "{}\n"+strings.Repeat("{\"x\":nul}\n", 5*maxWarnings), "fmt")
	qt.Check(t, code, qt.Equals, cli.ExitFailed)
	qt.Check(t, strings.Count(errs, "\n"), qt.Equals, maxWarnings+1)
	qt.Check(t, errs, qt.Contains, "80 more places cannot be read")
	code, _, _ = clitest.Run(t, run, "", "fmt", "no-such-file")
	qt.Check(t, code, qt.Equals, cli.ExitFailed)
	code, out, errs = clitest.Run(t, run, "{\"logtail\":{},\n\"x\":nul}\n{\"logtail\":{}}", "fmt", "-json")
	qt.Check(t, code, qt.Equals, cli.ExitFailed)
	qt.Check(t, errs, qt.Matches, "netlog fmt: -:1: not JSON: unexpected 'n'\n")
	qt.Check(t, out, qt.Equals, "{\"logtail\":{}}\n")
	for _, args := range [][]string{{"-class", "x"}, {"-since", "x"}, {"-resolve", "x"}, {"-exclude", "x"}, {"-json", "-exclude", ""}} {
		code, _, _ = clitest.Run(t, run, "", append([]string{"fmt"}, args...)...)
		qt.Check(t, code, qt.Equals, cli.ExitUsage)
	}
}

// TestFmtJSONEscapesControlCharacters reads what other programs than the receiver may
// store.
func TestFmtJSONEscapesControlCharacters(t *testing.T) {
	c := qt.New(t)
	const in = "{\"logtail\":{},\"text\":\"a\u009b2J\x7fb\u00a0\u00e9\xff\x9b\"}\n"
	_, out, _ := clitest.Run(t, run, in, "fmt", "-json")
	clitest.CheckPrintable(c, out)
	c.Check(out, qt.Equals, `{"logtail":{},"text":"a\u009b2J\u007fb`+"\u00a0\u00e9"+`\ufffd\ufffd"}`+"\n")
	var was, is struct{ Text string }
	c.Assert(json.Unmarshal([]byte(in), &was), qt.IsNil)
	c.Assert(json.Unmarshal([]byte(out), &is), qt.IsNil)
	c.Check(is, qt.Equals, was, qt.Commentf("it is the same text"))

	_, out, _ = clitest.Run(t, run, "{\"logtail\":{},\r\"text\":\"over\"}", "fmt", "-json")
	c.Check(out, qt.Equals, `{"logtail":{},"text":"over"}`+"\n", qt.Commentf("a carriage return between two members"))
}
