// Package id is the command netlog id.
package id

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/go-netlog/netlog/cmd/netlog/internal/cli"
	"github.com/go-netlog/netlog/logtail"
)

const help = `Usage: netlog id new [FILE]
       netlog id public [FILE]

new FILE stores a fresh private ID in FILE, which must not exist (mode 0600, as
logtail.LoadOrCreatePrivateID reads it), and prints its public ID. Without FILE it
prints both. The private ID is the secret that a node uploads with: whoever has
it can write in the node's name. The public ID names the node to everyone who
reads its logs.

public reads a private ID from FILE, or from standard input, and prints its
public ID. A private ID is never an argument, because others can read those.

To give a node another private ID, when the old one may be known to others:
  1. netlog id new FILE, where the node reads it;
  2. add the new public ID to the files for -nodes and -tokens of the collector;
  3. stop the node cleanly, so that it delivers what it holds, and start it with
     the new ID; a spool belongs to one ID, so give the new one its own directory;
  4. when the first records of the new ID are in, take the old one out of -tokens.
     Keep it in -nodes, with the same name, as long as its records are kept.
netlog verify takes two IDs with the same nodeId for one node that has changed
its ID, as long as they did not report at the same time.
`

// Run runs the command id.
func Run(_ context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	fs := cli.NewFlags("id")
	if code, done := cli.ParseFlags(fs, help, args, stdout, stderr); done {
		return code
	}
	args = fs.Args()
	if err := checkArgs(args); err != nil {
		return cli.Fail(fs, stderr, cli.ExitUsage, err)
	}
	path := ""
	if len(args) == 2 {
		path = args[1]
	}
	var err error
	switch {
	case args[0] == "public":
		err = printPublicID(path, stdin, stdout)
	case path == "":
		err = printNewID(stdout)
	default:
		err = storeNewID(path, stdout)
	}
	if err != nil {
		return cli.Fail(fs, stderr, cli.ExitFailed, err)
	}
	return cli.ExitOK
}

// checkArgs rejects invalid arguments. It never shows a whole argument, which may be a
// secret.
func checkArgs(args []string) error {
	switch {
	case slices.ContainsFunc(args, isPrivateID):
		return errors.New("a private ID does not belong on the command line, where others can read it: give a file or standard input, and take a new ID")
	case len(args) == 0:
		return errors.New("usage: netlog id new|public [FILE]")
	case args[0] != "new" && args[0] != "public":
		return fmt.Errorf("unknown action %.12q; usage: netlog id new|public [FILE]", args[0])
	case len(args) > 2:
		return fmt.Errorf("%s takes one file, not %d", args[0], len(args)-1)
	case len(args) == 2 && args[1] == "", args[0] == "new" && len(args) == 2 && args[1] == "-":
		return fmt.Errorf("%s wants the name of a file, not %q", args[0], args[1])
	}
	return nil
}

// isPrivateID reports whether s is a private ID.
func isPrivateID(s string) bool {
	_, err := logtail.ParsePrivateID(s)
	return err == nil
}

func printNewID(w io.Writer) error {
	id := logtail.NewPrivateID()
	text, err := id.MarshalText()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "private %s\npublic  %v\n", text, id.Public())
	return err
}

// storeNewID stores a new ID at path, which must not exist, and prints its public ID. Two
// calls at once both print the ID that was stored first.
func storeNewID(path string, w io.Writer) error {
	switch _, err := os.Lstat(path); {
	case err == nil:
		return fmt.Errorf("%s is there already: netlog id public %[1]s prints its public ID", path)
	case !errors.Is(err, os.ErrNotExist):
		return err
	}
	id, err := logtail.LoadOrCreatePrivateID(path)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(w, id.Public())
	return err
}

// printPublicID reads the first word, or the one after "private", so it accepts the
// output of new. Its errors never contain what was read.
func printPublicID(path string, stdin io.Reader, w io.Writer) error {
	if path != "" && path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		stdin = f
	}
	words := bufio.NewScanner(io.LimitReader(stdin, 4096))
	words.Split(bufio.ScanWords)
	if words.Scan() && words.Text() == "private" {
		words.Scan()
	}
	if err := words.Err(); err != nil {
		return err
	}
	id, err := logtail.ParsePrivateID(words.Text())
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(w, id.Public())
	return err
}
