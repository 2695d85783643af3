package main

import (
	"net"
	"os"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"
)

// TestEveryCommandHasTheSameFlagsSetup: help is an answer, a slip is one line.
func TestEveryCommandHasTheSameFlagsSetup(t *testing.T) {
	for _, name := range []string{"serve", "fmt", "verify", "id"} {
		for _, help := range []string{"-h", "-help", "--help"} {
			code, out, errs := netlogCommand(t, "", name, help)
			qt.Check(t, code, qt.Equals, exitOK, qt.Commentf("%s", name))
			qt.Check(t, out, qt.Contains, "Usage: netlog "+name)
			qt.Check(t, errs, qt.Equals, "")
		}
		code, out, errs := netlogCommand(t, "", name, "-bogus")
		qt.Check(t, code, qt.Equals, exitUsage)
		qt.Check(t, out, qt.Equals, "")
		qt.Check(t, errs, qt.Equals, "netlog "+name+": flag provided but not defined: -bogus; netlog "+name+" -h tells the flags\n")
	}
	code, _, errs := netlogCommand(t, "", "bogus")
	qt.Check(t, code, qt.Equals, exitUsage)
	qt.Check(t, errs, qt.Equals, "netlog: no command \"bogus\"; netlog -h tells which there are\n")
	code, out, _ := netlogCommand(t, "", "-h")
	qt.Check(t, code, qt.Equals, exitOK)
	qt.Check(t, out, qt.Contains, "Usage: netlog COMMAND")
	code, _, errs = netlogCommand(t, "")
	qt.Check(t, code, qt.Equals, exitUsage)
	qt.Check(t, errs, qt.Contains, "Usage: netlog COMMAND")
}

// TestAMissingFileOfAFlagNamesTheFlag, and is wrong usage in every command.
func TestAMissingFileOfAFlagNamesTheFlag(t *testing.T) {
	t.Chdir(t.TempDir())
	qt.Assert(t, os.WriteFile("bad", []byte("x\n"), 0o600), qt.IsNil)
	for _, args := range []string{
		"fmt -nodes none", "verify -nodes none bad", "serve -nodes none", "serve -tokens none", "serve -tls-cert none -tls-key none",
		"fmt -nodes bad", "verify -nodes bad bad", "serve -nodes bad", "serve -tokens bad", "serve -tls-cert bad -tls-key bad",
	} {
		words := strings.Fields(args)
		code, _, errs := netlogCommand(t, "", words...)
		qt.Check(t, code, qt.Equals, exitUsage, qt.Commentf("%s", args))
		qt.Check(t, errs, qt.Matches, "netlog "+words[0]+": "+words[1]+".*: .*\n")
	}
}

// TestVerifySaysWhyItCannotCheck with 2: 1 is for what it finds.
func TestVerifySaysWhyItCannotCheck(t *testing.T) {
	dir := t.TempDir()
	qt.Assert(t, os.WriteFile(dir+"/empty.ndjson", []byte("{}\n"), 0o600), qt.IsNil)
	for _, test := range []struct{ arg, want string }{
		{dir + "/nope", "no such file"}, {dir + "/empty.ndjson", "no records"}, {dir, "no records"}, {"", "no files"}, {"-", "not standard input"},
	} {
		code, _, errs := netlogCommand(t, "", append([]string{"verify"}, strings.Fields(test.arg)...)...)
		qt.Check(t, code, qt.Equals, exitUsage)
		qt.Check(t, errs, qt.Matches, "netlog verify: .*"+test.want+".*\n")
	}
}

// TestAFlagBehindAFileIsNoFile: "-top" was looked for in the directory.
func TestAFlagBehindAFileIsNoFile(t *testing.T) {
	for args, want := range map[string]string{
		"fmt flows -top 1":          "netlog fmt: -top stands behind flows, but flags come before files\n",
		"verify flows more -loss=0": "netlog verify: -loss=0 stands behind flows, but flags come before files\n",
		"fmt -- -x":                 "netlog fmt: a file of the name -x is ./-x\n",
		"serve flows -json":         "netlog serve: takes flags only, not \"flows\"\n",
	} {
		code, _, errs := netlogCommand(t, "", strings.Fields(args)...)
		qt.Check(t, code, qt.Equals, exitUsage)
		qt.Check(t, errs, qt.Equals, want)
	}
	code, out, _ := netlogCommand(t, "", "fmt", "flows", "-h")
	qt.Check(t, code, qt.Equals, exitOK)
	qt.Check(t, out, qt.Contains, "Usage: netlog fmt")
	code, _, _ = netlogCommand(t, "{}", "fmt", "-")
	qt.Check(t, code, qt.Equals, exitOK, qt.Commentf("standard input"))
}

// TestServeNamesTheFlagOfATakenPort: another -addr does not free that of -metrics.
func TestServeNamesTheFlagOfATakenPort(t *testing.T) {
	c := qt.New(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	c.Assert(err, qt.IsNil)
	defer l.Close()
	dir := t.TempDir() + "/flows"
	code, errs := runServeOnce(c, "-dir", dir, "-metrics", l.Addr().String())
	c.Check(code, qt.Equals, exitFailed)
	c.Check(errs, qt.Equals, "netlog serve: -metrics "+l.Addr().String()+" is taken: choose another one\n")
	_, err = os.Stat(dir)
	c.Check(err, qt.ErrorIs, os.ErrNotExist)
}
