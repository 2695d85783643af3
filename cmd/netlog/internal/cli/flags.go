// Package cli holds what the commands of netlog share: flags, units, terminals and progress.
package cli

import (
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/go-netlog/netlog/internal/flowtable"
	"github.com/go-netlog/netlog/internal/osfile"
)

// NewFlags returns an empty flag set for a command. It prints nothing: ParseFlags does.
func NewFlags(name string) *flag.FlagSet {
	fs := flag.NewFlagSet("netlog "+name, flag.ContinueOnError)
	fs.SetOutput(io.Discard) // an error would be lost in the long help
	return fs
}

// ParseFlags parses args. If done is true, the command ends with code: the help is on
// stdout, or the error is on stderr.
func ParseFlags(fs *flag.FlagSet, help string, args []string, stdout, stderr io.Writer) (code int, done bool) {
	err := fs.Parse(args)
	for _, arg := range fs.Args() {
		if err == nil && !onlyFiles(fs, args) && (arg == "-h" || arg == "-help" || arg == "--help") {
			err = flag.ErrHelp
		}
	}
	switch {
	case err == flag.ErrHelp:
		fmt.Fprint(stdout, help)
		fs.SetOutput(stdout)
		fs.PrintDefaults()
		return ExitOK, true
	case err != nil:
		return Fail(fs, stderr, ExitUsage, fmt.Errorf("%w; see %s -h", err, fs.Name())), true
	}
	return ExitOK, false
}

// Fail prints err in one line and returns the exit code.
func Fail(fs *flag.FlagSet, stderr io.Writer, code int, err error) int {
	text := strings.ReplaceAll(osfile.Text(err), "\n", "; ") // as [errors.Join] has
	fmt.Fprintf(stderr, "%s: %s\n", fs.Name(), flowtable.Clean(text))
	return code
}

// FlagsFirst returns an error if a flag follows a file, since it would be used as the name of
// another file. args are the arguments that were parsed.
func FlagsFirst(fs *flag.FlagSet, args []string) error {
	if onlyFiles(fs, args) {
		return nil
	}
	for _, arg := range fs.Args() {
		if len(arg) > 1 && strings.HasPrefix(arg, "-") {
			return fmt.Errorf("%s follows %s, but flags come before files", arg, fs.Arg(0))
		}
	}
	return nil
}

// onlyFiles reports whether the arguments after the flags follow "--", so that none of them is a
// flag.
func onlyFiles(fs *flag.FlagSet, args []string) bool {
	before := args[:len(args)-fs.NArg()]
	return len(before) > 0 && before[len(before)-1] == "--"
}

// Exit codes.
const (
	ExitOK       = 0
	ExitFailed   = 1 // the command failed, at least in part
	ExitFindings = 1 // verify: the logs do not agree
	ExitUsage    = 2 // wrong usage; verify: the logs could not be checked
)
