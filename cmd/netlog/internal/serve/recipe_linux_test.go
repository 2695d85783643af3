package serve

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/secrettest"
	"github.com/go-netlog/netlog/logtail"
)

// TestServeHelpTokenRecipe runs the two lines of the help, which are also in
// docs/receiver.md. Only the node with that ID may then send with that token.
func TestServeHelpTokenRecipe(t *testing.T) {
	c := qt.New(t)
	for _, tool := range []string{"sh", "openssl", "sha256sum"} {
		if _, err := exec.LookPath(tool); err != nil {
			c.Skipf("no %s here", tool)
		}
	}
	recipe := regexp.MustCompile(`(?m)^ *(openssl rand .*)\n *(echo .*tokens\.txt)$`)
	lines := recipe.FindStringSubmatch(help)
	c.Assert(lines, qt.HasLen, 3)
	doc, err := os.ReadFile("../../../../docs/receiver.md")
	c.Assert(err, qt.IsNil)
	c.Check(recipe.FindAllStringSubmatch(string(doc), -1), qt.HasLen, 1)
	c.Check(recipe.FindStringSubmatch(string(doc))[1:], qt.DeepEquals, lines[1:])

	dir := t.TempDir()
	id := secrettest.NewID()
	text, err := id.MarshalText()
	c.Assert(err, qt.IsNil)
	c.Assert(os.WriteFile(dir+"/ID_FILE", append(text, '\n'), 0o600), qt.IsNil)
	cmd := exec.CommandContext(t.Context(), "sh", "-ec", "netlog() { "+childEnv+`=1 "$EXE" "$@"; }`+"\n"+lines[1]+"\n"+lines[2])
	exe, err := filepath.Abs(os.Args[0])
	c.Assert(err, qt.IsNil)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "EXE="+exe)
	out, err := cmd.CombinedOutput()
	c.Assert(err, qt.IsNil, qt.Commentf("%s", out))
	token, err := os.ReadFile(dir + "/token")
	c.Assert(err, qt.IsNil)
	tokens, err := os.ReadFile(dir + "/tokens.txt")
	c.Assert(err, qt.IsNil)
	grants, err := parseGrants("tokens.txt", tokens)
	c.Assert(err, qt.IsNil)
	bearer := "Bearer " + strings.TrimSpace(string(token))
	c.Check(authorize(grants, bearer, "netlog", id.Public()), qt.IsNil)
	c.Check(authorize(grants, bearer, "netlog", logtail.PublicID{}), qt.Equals, errNotNode)

	sample := regexp.MustCompile(`(?m)^ *([0-9a-f]{64} netlog \*)$`).FindStringSubmatch(help)
	c.Assert(sample, qt.HasLen, 2)
	_, _, ok := parseGrant(strings.Fields(sample[1]))
	c.Check(ok, qt.IsTrue, qt.Commentf("the sample is a line of the file"))
}
