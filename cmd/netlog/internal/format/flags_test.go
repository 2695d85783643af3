package format

import (
	"fmt"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/cmd/netlog/internal/cli"
	"github.com/go-netlog/netlog/cmd/netlog/internal/clitest"
)

func TestFmtInvalidFlags(t *testing.T) {
	for args, want := range map[string]string{
		"-max-flows -1":              "-max-flows must be at least 1",
		"-max-flows 0":               "-max-flows must be at least 1",
		"-top -1":                    "-top and -width must not be negative",
		"-width -5":                  "-top and -width must not be negative",
		"-since -1h":                 `invalid value "-1h" for flag -since: how long ago must not be negative; see netlog fmt -h`,
		"-node 10.0.0.2/99":          `invalid value "10.0.0.2/99" for flag -node: no such prefix; see netlog fmt -h`,
		"-node fd7a::1/129":          `invalid value "fd7a::1/129" for flag -node: no such prefix; see netlog fmt -h`,
		"-node=":                     `invalid value "" for flag -node: want a node, an address or a prefix; see netlog fmt -h`,
		"-json -exclude 10.0.0.0/33": `invalid value "10.0.0.0/33" for flag -exclude: no such prefix; see netlog fmt -h`,
		"-state nope":                `invalid value "nope" for flag -state: no state "nope"; see netlog fmt -h`,
		"-state refused,":            `invalid value "refused," for flag -state: no state ""; see netlog fmt -h`,
		"-json -state refused":       "-state is for the table, and -json prints none",
		"-json -top 3":               "-top is for the table, and -json prints none",
		"-json -resolve name":        "-resolve is for the table, and -json prints none",
		"-json -width 80":            "-width is for the table, and -json prints none",
		"-flat":                      "-flat needs -json",
		"-json -flat -top 3":         "-top is for the table, and -json prints none",
		"-json -flat -exclude web":   "-exclude writes records, and -flat none: use -flat on the result of -exclude",
		"-json -max-flows 5":         "-max-flows is for the table, and -json prints none",
	} {
		code, out, errs := clitest.Run(t, run, "", append([]string{"fmt"}, strings.Fields(args)...)...)
		qt.Check(t, code, qt.Equals, cli.ExitUsage, qt.Commentf("%s", args))
		qt.Check(t, out, qt.Equals, "")
		qt.Check(t, errs, qt.Equals, "netlog fmt: "+want+"\n")
	}
}

// TestFmtNodeMatchesNothing checks that this is an error, since an empty table would say
// that the node is idle.
func TestFmtNodeMatchesNothing(t *testing.T) {
	id := strings.Repeat("ab", 32)
	in := fmt.Sprintf(named, id)
	for _, test := range []struct {
		args string
		want string // empty: it matches
	}{
		{"-node nope", "nothing matches -node nope"},
		{"-json -node nope", "nothing matches -node nope"},
		{"-node 192.0.2.1", "nothing matches -node 192.0.2.1"},
		{"-node 192.0.2.0/24", "nothing matches -node 192.0.2.0/24"},
		{"-node aba", "nothing matches -node aba; an ID needs at least 4 digits"},
		{"-node abab", ""},
		{"-node n1", ""},
		{"-node 100.64.0.2", ""},
		{"-node n1 -class subnet", ""}, // it is there, and has none
		{"-node 100.64.0.2 -class exit", ""},
		{"-node 100.64.0.2 -since 2036-01-01", ""},
		{"-class subnet", ""},
	} {
		code, out, errs := clitest.Run(t, run, in, append([]string{"fmt"}, strings.Fields(test.args)...)...)
		if test.want == "" {
			qt.Check(t, code, qt.Equals, cli.ExitOK, qt.Commentf("%s: %s", test.args, errs))
			continue
		}
		qt.Check(t, code, qt.Equals, cli.ExitFailed)
		qt.Check(t, out, qt.Equals, "")
		qt.Check(t, errs, qt.Equals, "netlog fmt: "+test.want+"\n")
	}
}
