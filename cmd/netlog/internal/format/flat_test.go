package format

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/cmd/netlog/internal/cli"
	"github.com/go-netlog/netlog/cmd/netlog/internal/clitest"
)

// flatRecord has a connection of each class, and the largest values.
const flatRecord = `{"logtail":{"id":"ab\u001b\u202e","proc_id":4294967295,"proc_seq":18446744073709551615,"conflict":true},"nodeId":"n1",` +
	`"start":"2026-11-22T10:00:00.000000001Z","end":"2026-11-22T10:00:05Z",` +
	`"virtualTraffic":[{"proto":6,"src":"100.64.0.1:4000","dst":"[fd7a::2]:65535","txPkts":18446744073709551615,"txBytes":18446744073709551614,"rxPkts":9007199254740993,"rxBytes":18446744073709551615,"txFlags":2,"rxFlags":18},` +
	`{"proto":6,"src":"100.64.0.1:4001","dst":"100.64.0.2:81","txPkts":1,"txBytes":60,"rxPkts":1,"rxBytes":40,"txFlags":2,"rxFlags":4}],` +
	`"subnetTraffic":[{"proto":17,"src":"100.64.0.1:5000","dst":"192.168.1.1:53","txPkts":1,"txBytes":60}],` +
	`"exitTraffic":[{"txPkts":3}],` +
	`"physicalTraffic":[{"src":"100.64.0.2:0","dst":"192.0.2.7:41641","txPkts":2}],` +
	`"deniedTraffic":[{"proto":6,"src":"100.64.0.1:23","dst":"100.64.0.9:999","rxPkts":1,"rxBytes":60,"rxFlags":2}]}`

// flatLines has the result without the key and the times, which are on every line.
var flatLines = []string{
	`"class":"virtual","proto":6,"srcAddr":"100.64.0.1","srcPort":4000,"dstAddr":"fd7a::2","dstPort":65535,"txPkts":18446744073709551615,"txBytes":18446744073709551614,"rxPkts":9007199254740993,"rxBytes":18446744073709551615,"txFlags":2,"rxFlags":18,"state":"established"}`,
	`"class":"virtual","proto":6,"srcAddr":"100.64.0.1","srcPort":4001,"dstAddr":"100.64.0.2","dstPort":81,"txPkts":1,"txBytes":60,"rxPkts":1,"rxBytes":40,"txFlags":2,"rxFlags":4,"state":"refused"}`,
	`"class":"subnet","proto":17,"srcAddr":"100.64.0.1","srcPort":5000,"dstAddr":"192.168.1.1","dstPort":53,"txPkts":1,"txBytes":60}`,
	`"class":"exit","txPkts":3}`,
	`"class":"physical","srcAddr":"100.64.0.2","dstAddr":"192.0.2.7","dstPort":41641,"txPkts":2}`,
	`"class":"denied","proto":6,"srcAddr":"100.64.0.1","srcPort":23,"dstAddr":"100.64.0.9","dstPort":999,"rxPkts":1,"rxBytes":60,"rxFlags":2,"state":"denied"}`,
}

// flatText returns some of the lines, with their key and times.
func flatText(indexes ...int) string {
	var text strings.Builder
	for _, n := range indexes {
		text.WriteString(`{"node":"ab\u001b\u202e","proc_id":4294967295,"proc_seq":18446744073709551615,"index":` + string(rune('0'+n)) +
			`,"conflict":true,"start":"2026-11-22T10:00:00.000000001Z","end":"2026-11-22T10:00:05Z",` + flatLines[n] + "\n")
	}
	return text.String()
}

// TestFmtFlat checks that integers are exact, and that a connection has the same index whatever the filter.
func TestFmtFlat(t *testing.T) {
	for args, want := range map[string]string{
		"-json -flat":                                flatText(0, 1, 2, 3, 4, 5),
		"-json -flat -class denied,exit":             flatText(3, 5),
		"-json -flat -node 100.64.0.2":               flatText(1, 4),
		"-json -flat -node n1 -class subnet":         flatText(2),
		"-json -flat -since 2036-01-01":              "",
		"-json -flat -class virtual -node fd7a::/16": flatText(0),
	} {
		code, out, errs := clitest.Run(t, run, flatRecord, append([]string{"fmt"}, strings.Fields(args)...)...)
		qt.Check(t, code, qt.Equals, cli.ExitOK, qt.Commentf("%s: %s", args, errs))
		qt.Check(t, out, qt.Equals, want, qt.Commentf("%s", args))
	}
}

// TestFmtFlatKey checks that a duplicate is left out, text has no line, and the key is there even if it is zero.
func TestFmtFlatKey(t *testing.T) {
	const one = `{"logtail":{"id":"a","proc_id":1,"proc_seq":7},"exitTraffic":[{"txPkts":1}]}` + "\n"
	const in = one + one + `{"logtail":{"proc_id":1,"proc_seq":8},"text":"x","droppedEntries":3}` + "\n" + `{"nodeId":"b","exitTraffic":[{"rxPkts":2}]}`
	_, out, _ := clitest.Run(t, run, in, "fmt", "-json", "-flat")
	qt.Check(t, out, qt.Equals, `{"node":"a","proc_id":1,"proc_seq":7,"index":0,"class":"exit","txPkts":1}`+"\n"+
		`{"node":"b","proc_id":0,"proc_seq":0,"index":0,"class":"exit","rxPkts":2}`+"\n")
}

// TestFmtFlatDocumented checks that docs/schema describes each member.
func TestFmtFlatDocumented(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "docs", "schema", "README.md"))
	qt.Assert(t, err, qt.IsNil)
	_, doc, found := strings.Cut(string(text), "\n## One object per connection\n")
	qt.Assert(t, found, qt.IsTrue)
	for f := range reflect.TypeFor[flatFlow]().Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		qt.Check(t, doc, qt.Contains, "`"+name+"`")
	}
}
