package main

import (
	"os"
	"regexp"
	"runtime"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/cmd/netlog/internal/cli"
	"github.com/go-netlog/netlog/cmd/netlog/internal/clitest"
	"github.com/go-netlog/netlog/internal/secrettest"
)

// childEnv makes the test binary the command itself, for tests that send signals.
const childEnv = "NETLOG_TEST_COMMAND"

// TestMain watches what the tests print for private IDs and tokens.
func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		main()
	}
	os.Exit(secrettest.Watch(m.Run))
}

// TestHelpStdout checks that help goes to stdout, as a pager reads it.
func TestHelpStdout(t *testing.T) {
	want := map[string]string{
		"serve": "-tokens file", "fmt": "-since time", "verify": "-loss percent", "id": "public [FILE]", "version": "the version of Go",
	}
	for _, args := range []string{"help", "-h", "-help", "--help", "serve -h", "fmt --help", "verify -help", "id -h", "version -h"} {
		code, out, errs := clitest.Run(t, run, "", strings.Fields(args)...)
		qt.Check(t, code, qt.Equals, cli.ExitOK, qt.Commentf("%s", args))
		qt.Check(t, errs, qt.Equals, "", qt.Commentf("%s", args))
		name, _, one := strings.Cut(args, " ")
		if one {
			qt.Check(t, out, qt.Matches, "Usage: netlog "+name+"[ \n](.|\n)*")
			qt.Check(t, out, qt.Contains, want[name])
			continue
		}
		for name := range want {
			qt.Check(t, out, qt.Matches, `(?s).*\n  `+name+` +[a-z].*`, qt.Commentf("what it does"))
		}
	}
}

// TestVersion checks all spellings that people try.
func TestVersion(t *testing.T) {
	for _, arg := range []string{"version", "-version", "--version"} {
		code, out, errs := clitest.Run(t, run, "", arg)
		qt.Check(t, code, qt.Equals, cli.ExitOK)
		qt.Check(t, out, qt.Matches, `netlog \S+, (commit [0-9a-f]{40}( \(modified\))?, )?`+regexp.QuoteMeta(runtime.Version())+` \w+/\w+\n`)
		qt.Check(t, errs, qt.Equals, "")
	}
}

func TestUsageErrorStderr(t *testing.T) {
	for args, want := range map[string]string{
		"":                  `Usage: netlog COMMAND .*\n(.*\n)+`,
		"flows":             `netlog: no command "flows"; see netlog -h\n`,
		"fmt -bogus":        `netlog fmt: .*-bogus; see netlog fmt -h\n`,
		"fmt -nodes none":   `netlog fmt: -nodes: none: no such file.*\n`,
		"fmt -resolve x":    `netlog fmt: -resolve must be name, user or id, not "x"\n`,
		"fmt -exclude web":  `netlog fmt: -exclude needs -json\n`,
		"verify":            `netlog verify: no files: .*; see netlog verify -h\n`,
		"verify -bogus":     `netlog verify: .*-bogus; see netlog verify -h\n`,
		"verify -nodes x x": `netlog verify: -nodes: x: no such file.*\n`,
		"version 1":         `netlog version: takes no arguments, not "1"\n`,
		"id":                `netlog id: .*\n`,
		"id -bogus":         `netlog id: .*-bogus; see netlog id -h\n`,
		"id old":            `netlog id: .*\n`,
		"id new 1 2":        `netlog id: .*\n`,
		"id public a b":     `netlog id: .*\n`,
	} {
		code, out, errs := clitest.Run(t, run, "", strings.Fields(args)...)
		qt.Check(t, code, qt.Equals, cli.ExitUsage, qt.Commentf("%s", args))
		qt.Check(t, out, qt.Equals, "", qt.Commentf("%s", args))
		qt.Check(t, errs, qt.Matches, want, qt.Commentf("%s", args))
	}
}
