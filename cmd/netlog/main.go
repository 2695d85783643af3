// Command netlog collects and reads network flow logs.
//
//	netlog serve    store the flow logs that nodes send to this machine
//	netlog fmt      print flow logs as tables
//	netlog verify   check the logs of several nodes against each other
//	netlog id       make an ID, or turn a private one into its public one
//
// Each has its own -h.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// Exit codes of every command.
const (
	exitOK       = 0
	exitFindings = 1 // what was asked could not be done, or a check found something
	exitUsage    = 2
)

// A command is one thing that netlog does. run returns the exit code.
type command struct {
	name, short string
	run         func(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int
}

// commands returns all commands in the order in which help lists them.
func commands() []command {
	return []command{
		{"serve", "store the flow logs that nodes send to this machine", runServe},
		{"fmt", "print flow logs as tables", runFmt},
		{"verify", "check the logs of several nodes against each other", runVerify},
		{"id", "make an ID, or turn a private one into its public one", runID},
	}
}

func main() {
	// The second signal ends the program at once: NotifyContext is released by
	// the first, which restores the default action.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run finds the command that args name, and runs it.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		usage(stderr)
		return exitUsage
	}
	switch args[0] {
	case "-h", "-help", "--help", "help":
		usage(stdout)
		return exitOK
	}
	for _, c := range commands() {
		if c.name == args[0] {
			return c.run(ctx, args[1:], stdin, stdout, stderr)
		}
	}
	fmt.Fprintf(stderr, "netlog: no command %q\n\n", args[0])
	usage(stderr)
	return exitUsage
}

// usage lists the commands.
func usage(w io.Writer) {
	fmt.Fprint(w, "Usage: netlog COMMAND [flags]\n\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-8s %s\n", c.name, c.short)
	}
	fmt.Fprint(w, "\nnetlog COMMAND -h tells its flags.\n")
}

// parseFlags parses the flags of a command. Where ok is false, the command ends with
// code: help that was asked for goes to stdout, and what is wrong is one line on
// stderr, since the help is long and would carry it out of sight.
func parseFlags(fs *flag.FlagSet, help string, args []string, stdout, stderr io.Writer) (code int, ok bool) {
	fs.SetOutput(io.Discard)
	switch err := fs.Parse(args); {
	case err == flag.ErrHelp:
		printHelp(fs, help, stdout)
		return exitOK, false
	case err != nil:
		fmt.Fprintf(stderr, "%s: %v; %[1]s -h tells the flags\n", fs.Name(), err)
		return exitUsage, false
	}
	return exitOK, true
}

// printHelp prints the help of a command, which ends with its flags.
func printHelp(fs *flag.FlagSet, help string, w io.Writer) {
	fmt.Fprint(w, help)
	fs.SetOutput(w)
	fs.PrintDefaults()
}
