// Command netlog collects and reads network flow logs.
//
//	netlog serve    store the flow logs that nodes send to this machine
//	netlog fmt      print flow logs as tables
//	netlog verify   check the logs of several nodes against each other
//	netlog id       make an ID, or turn a private one into its public one
//
// Each has its own -h.
package cli

import (
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/go-netlog/netlog/internal/flowtable"
)

// NewFlags returns the flags of a command, none yet. What goes wrong with them is
// told by [ParseFlags] only.
func NewFlags(name string) *flag.FlagSet {
	fs := flag.NewFlagSet("netlog "+name, flag.ContinueOnError)
	fs.SetOutput(io.Discard) // the help is long, and would carry the error out of sight
	return fs
}

// ParseFlags parses args. Where that is all there is to do, done is true and code
// the exit code: the help is on stdout, or what is wrong in one line on stderr.
func ParseFlags(fs *flag.FlagSet, help string, args []string, stdout, stderr io.Writer) (code int, done bool) {
	err := fs.Parse(args)
	for _, arg := range fs.Args() {
		if err == nil && (arg == "-h" || arg == "-help" || arg == "--help") {
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
		return Fail(fs, stderr, ExitUsage, fmt.Errorf("%w; %s -h tells the flags", err, fs.Name())), true
	}
	return ExitOK, false
}

// Fail tells in one line why a call of a command ends, and returns its exit code.
func Fail(fs *flag.FlagSet, stderr io.Writer, code int, err error) int {
	text := strings.ReplaceAll(err.Error(), "\n", "; ") // as [errors.Join] has
	fmt.Fprintf(stderr, "%s: %s\n", fs.Name(), flowtable.Clean(text))
	return code
}

// FlagsFirst refuses a flag behind a file, which would be taken for another file.
func FlagsFirst(fs *flag.FlagSet) error {
	for i, arg := range fs.Args() {
		if len(arg) > 1 && strings.HasPrefix(arg, "-") {
			if i == 0 {
				return fmt.Errorf("a file of the name %s is ./%[1]s", arg) // it was behind --
			}
			return fmt.Errorf("%s stands behind %s, but flags come before files", arg, fs.Arg(0))
		}
	}
	return nil
}

// Exit codes.
const (
	ExitOK       = 0
	ExitFailed   = 1 // what was asked could not be done, or not all of it
	ExitFindings = 1 // of verify: the books do not agree
	ExitUsage    = 2 // called in a wrong way; of verify: the books could not be checked
)
