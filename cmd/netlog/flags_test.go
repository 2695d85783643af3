package main

import (
	"os"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/cmd/netlog/internal/cli"
	"github.com/go-netlog/netlog/cmd/netlog/internal/clitest"
)

// TestFlagsSameInEveryCommand checks that help goes to stdout and a mistake is one line
// on stderr.
func TestFlagsSameInEveryCommand(t *testing.T) {
	for _, name := range []string{"serve", "fmt", "verify", "id", "version"} {
		for _, help := range []string{"-h", "-help", "--help"} {
			code, out, errs := clitest.Run(t, run, "", name, help)
			qt.Check(t, code, qt.Equals, cli.ExitOK, qt.Commentf("%s", name))
			qt.Check(t, out, qt.Contains, "Usage: netlog "+name)
			qt.Check(t, errs, qt.Equals, "")
		}
		code, out, errs := clitest.Run(t, run, "", name, "-bogus")
		qt.Check(t, code, qt.Equals, cli.ExitUsage)
		qt.Check(t, out, qt.Equals, "")
		qt.Check(t, errs, qt.Equals, "netlog "+name+": flag provided but not defined: -bogus; see netlog "+name+" -h\n")
	}
	code, _, errs := clitest.Run(t, run, "", "bogus")
	qt.Check(t, code, qt.Equals, cli.ExitUsage)
	qt.Check(t, errs, qt.Equals, "netlog: no command \"bogus\"; see netlog -h\n")
	code, out, _ := clitest.Run(t, run, "", "-h")
	qt.Check(t, code, qt.Equals, cli.ExitOK)
	qt.Check(t, out, qt.Contains, "Usage: netlog COMMAND")
	code, _, errs = clitest.Run(t, run, "")
	qt.Check(t, code, qt.Equals, cli.ExitUsage)
	qt.Check(t, errs, qt.Contains, "Usage: netlog COMMAND")
}

// TestFlagMissingFileNamesFlag checks that such an error is wrong usage in every command.
func TestFlagMissingFileNamesFlag(t *testing.T) {
	t.Chdir(t.TempDir())
	qt.Assert(t, os.WriteFile("bad", []byte("x\n"), 0o600), qt.IsNil)
	for _, args := range []string{
		"fmt -nodes none", "verify -nodes none bad", "serve -nodes none", "serve -tokens none", "serve -tls-cert none -tls-key none",
		"fmt -nodes bad", "verify -nodes bad bad", "serve -nodes bad", "serve -tokens bad", "serve -tls-cert bad -tls-key bad",
	} {
		words := strings.Fields(args)
		code, _, errs := clitest.Run(t, run, "", words...)
		qt.Check(t, code, qt.Equals, cli.ExitUsage, qt.Commentf("%s", args))
		qt.Check(t, errs, qt.Matches, "netlog "+words[0]+": "+words[1]+".*: .*\n")
	}
}

// TestFlagAfterFileRejected checks that a flag after a file is not taken for a file.
func TestFlagAfterFileRejected(t *testing.T) {
	for args, want := range map[string]string{
		"fmt flows -top 1":          "netlog fmt: -top follows flows, but flags come before files\n",
		"verify flows more -loss=0": "netlog verify: -loss=0 follows flows, but flags come before files\n",
		"fmt flows -- -x":           "netlog fmt: -- follows flows, but flags come before files\n",
		"serve flows -json":         "netlog serve: takes flags only, not \"flows\"\n",
	} {
		code, _, errs := clitest.Run(t, run, "", strings.Fields(args)...)
		qt.Check(t, code, qt.Equals, cli.ExitUsage)
		qt.Check(t, errs, qt.Equals, want)
	}
	code, out, _ := clitest.Run(t, run, "", "fmt", "flows", "-h")
	qt.Check(t, code, qt.Equals, cli.ExitOK)
	qt.Check(t, out, qt.Contains, "Usage: netlog fmt")
	code, _, _ = clitest.Run(t, run, "{}", "fmt", "-")
	qt.Check(t, code, qt.Equals, cli.ExitOK, qt.Commentf("standard input"))
}

// TestFlagsEndAtTwoDashes checks that files may have names like flags.
func TestFlagsEndAtTwoDashes(t *testing.T) {
	t.Chdir(t.TempDir())
	const record = `{"start":"2026-11-22T10:00:00Z","end":"2026-11-22T10:00:05Z","exitTraffic":[{"txPkts":1}]}` + "\n"
	for _, name := range []string{"-x.ndjson", "-h", "-json"} {
		qt.Assert(t, os.WriteFile(name, []byte(record), 0o600), qt.IsNil)
		code, out, errs := clitest.Run(t, run, "", "fmt", "-json", "--", name)
		qt.Check(t, code, qt.Equals, cli.ExitOK, qt.Commentf("%s", errs))
		qt.Check(t, out, qt.Equals, record)
	}
	_, _, errs := clitest.Run(t, run, "", "verify", "--", "-x.ndjson")
	qt.Check(t, errs, qt.Contains, "all records are of one node")
}
