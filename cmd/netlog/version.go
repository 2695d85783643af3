package main

import (
	"fmt"
	"io"

	"github.com/go-netlog/netlog/cmd/netlog/internal/cli"
	"github.com/go-netlog/netlog/internal/buildinfo"
)

const versionHelp = `Usage: netlog version

Prints the version of the module and the version of Go that built this command, and
the commit if it was built in a clone.
`

// version runs the command version.
func version(args []string, stdout, stderr io.Writer) int {
	fs := cli.NewFlags("version")
	if code, done := cli.ParseFlags(fs, versionHelp, args, stdout, stderr); done {
		return code
	}
	if fs.NArg() > 0 {
		return cli.Fail(fs, stderr, cli.ExitUsage, fmt.Errorf("takes no arguments, not %q", fs.Arg(0)))
	}
	if _, err := fmt.Fprintf(stdout, "netlog %v\n", buildinfo.Read()); err != nil {
		return cli.Fail(fs, stderr, cli.ExitFailed, err)
	}
	return cli.ExitOK
}
