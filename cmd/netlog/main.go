// Command netlog collects and reads network flow logs.
//
//	netlog serve    store the flow logs that nodes send to this machine
//	netlog fmt      print flow logs as tables
//	netlog verify   check the logs of several nodes against each other
//	netlog id       make an ID, or turn a private one into its public one
//	netlog version  print what this command was built from
//
// Run a command with -h for its flags.
package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/go-netlog/netlog/cmd/netlog/internal/cli"
	"github.com/go-netlog/netlog/cmd/netlog/internal/format"
	"github.com/go-netlog/netlog/cmd/netlog/internal/id"
	"github.com/go-netlog/netlog/cmd/netlog/internal/serve"
	"github.com/go-netlog/netlog/cmd/netlog/internal/verify"
)

const help = `Usage: netlog COMMAND [flags]

  serve    store the flow logs that nodes send to this machine
  fmt      print flow logs as tables
  verify   check the logs of several nodes against each other
  id       make an ID, or turn a private one into its public one
  version  print what this command was built from

Run 'netlog COMMAND -h' for the flags of a command.
`

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run runs the command that args name. ctx ends serve. The other commands ignore it.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		fmt.Fprint(stderr, help)
		return cli.ExitUsage
	}
	name, args := args[0], args[1:]
	switch name {
	case "serve":
		return serve.Run(ctx, args, stdin, stdout, stderr)
	case "fmt":
		return format.Run(ctx, args, stdin, stdout, stderr)
	case "verify":
		return verify.Run(ctx, args, stdin, stdout, stderr)
	case "id":
		return id.Run(ctx, args, stdin, stdout, stderr)
	case "version", "-version", "--version":
		return version(args, stdout, stderr)
	case "-h", "-help", "--help", "help":
		fmt.Fprint(stdout, help)
		return cli.ExitOK
	}
	fmt.Fprintf(stderr, "netlog: no command %q; see netlog -h\n", name)
	return cli.ExitUsage
}
