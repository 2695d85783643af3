package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/go-netlog/netlog/logtail"
)

const idHelp = `Usage: netlog id new
       netlog id public [FILE]

new prints a fresh private ID and its public ID. The private ID is the secret
that a node uploads with: whoever has it can write in the node's name. The public
ID names the node to everyone who reads its logs.

public reads a private ID from FILE, or from standard input, and prints its
public ID. A private ID is never an argument, because others can read those.

To give a node another private ID, when the old one may be known to others:
  1. netlog id new, and store the private ID where the node reads it (mode 0600);
  2. add the new public ID to the files for -nodes and -tokens of the collector;
  3. stop the node cleanly, so that it delivers what it holds, and start it with
     the new ID; a spool belongs to one ID, so give the new one its own directory;
  4. when the first records of the new ID are in, take the old one out of -tokens.
     Keep it in -nodes, with the same name, as long as its records are kept.
netlog verify takes two IDs with the same nodeId for one node that has changed
its ID, as long as they did not report at the same time.
`

// runID is the command id.
func runID(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	fs := newFlags("id")
	if code, done := parseFlags(fs, idHelp, args, stdout, stderr); done {
		return code
	}
	var err error
	switch {
	case fs.NArg() == 1 && fs.Arg(0) == "new":
		err = printNewID(stdout)
	case fs.NArg() >= 1 && fs.NArg() <= 2 && fs.Arg(0) == "public":
		err = printPublicID(fs.Arg(1), stdin, stdout)
	default:
		return fail(fs, stderr, exitUsage, errors.New("new or public? netlog id -h tells more"))
	}
	switch err {
	case nil:
		return exitOK
	case errIDArgument:
		return fail(fs, stderr, exitUsage, err)
	}
	return fail(fs, stderr, exitFailed, err)
}

var errIDArgument = errors.New("a private ID does not belong on the command line, where others can read it: give a file or standard input, and take a new ID")

func printNewID(w io.Writer) error {
	id := logtail.NewPrivateID()
	text, err := id.MarshalText()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "private %s\npublic  %v\n", text, id.Public())
	return err
}

// printPublicID reads the first word of 64 digits, so it reads the output of new too.
// No error of it holds what was read.
func printPublicID(path string, stdin io.Reader, w io.Writer) error {
	if _, err := logtail.ParsePrivateID(path); err == nil {
		return errIDArgument
	}
	if path != "" && path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		stdin = f
	}
	line, err := bufio.NewReader(io.LimitReader(stdin, 4096)).ReadString('\n')
	if err != nil && err != io.EOF {
		return err
	}
	id, err := logtail.ParsePrivateID(strings.TrimSpace(strings.TrimPrefix(line, "private ")))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(w, id.Public())
	return err
}
