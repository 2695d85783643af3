package id

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/cmd/netlog/internal/cli"
	"github.com/go-netlog/netlog/cmd/netlog/internal/clitest"
	"github.com/go-netlog/netlog/internal/secrettest"
	"github.com/go-netlog/netlog/logtail"
)

// TestIDNewFile checks that the private ID is not printed.
func TestIDNewFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "id")
	code, out, errs := clitest.Run(t, run, "", "id", "new", path)
	qt.Assert(t, code, qt.Equals, cli.ExitOK, qt.Commentf("%s", errs))
	id, err := logtail.LoadOrCreatePrivateID(path)
	qt.Assert(t, err, qt.IsNil)
	qt.Check(t, out, qt.Equals, id.Public().String()+"\n")
	if info, err := os.Stat(path); runtime.GOOS != "windows" {
		qt.Assert(t, err, qt.IsNil)
		qt.Check(t, info.Mode().Perm(), qt.Equals, os.FileMode(0o600))
	}
	_, out, _ = clitest.Run(t, run, "", "id", "public", path)
	qt.Check(t, out, qt.Equals, id.Public().String()+"\n")
}

// TestIDNewKeepsExistingFile checks that no existing file is replaced, as it may hold an
// ID.
func TestIDNewKeepsExistingFile(t *testing.T) {
	dir := t.TempDir()
	text, err := secrettest.NewID().MarshalText()
	qt.Assert(t, err, qt.IsNil)
	for name, content := range map[string]string{"empty": "", "id": string(text) + "\n", "other": "x"} {
		path := filepath.Join(dir, name)
		qt.Assert(t, os.WriteFile(path, []byte(content), 0o600), qt.IsNil)
		code, out, errs := clitest.Run(t, run, "", "id", "new", path)
		qt.Check(t, code, qt.Equals, cli.ExitFailed)
		qt.Check(t, out, qt.Equals, "")
		qt.Check(t, errs, qt.Contains, "is there already")
		after, err := os.ReadFile(path)
		qt.Assert(t, err, qt.IsNil)
		qt.Check(t, string(after) == content, qt.IsTrue)
	}
	code, _, errs := clitest.Run(t, run, "", "id", "new", filepath.Join(dir, "none", "id"))
	qt.Check(t, code, qt.Equals, cli.ExitFailed)
	qt.Check(t, errs, qt.Contains, "no such file")
	files, err := os.ReadDir(dir)
	qt.Assert(t, err, qt.IsNil)
	qt.Check(t, files, qt.HasLen, 3)
}

func TestIDErrors(t *testing.T) {
	t.Chdir(t.TempDir())
	secret := strings.Repeat("5e", 32)
	for _, test := range []struct {
		args []string
		want string
	}{
		{nil, `usage: netlog id new\|public \[FILE\]`},
		{[]string{"bogus"}, `unknown action "bogus"; usage: netlog id new\|public \[FILE\]`},
		{[]string{secret[1:]}, `unknown action "e5e5e5e5e5e5"; usage: netlog id new\|public \[FILE\]`},
		{[]string{"new", "x", "y"}, "new takes one file, not 2"},
		{[]string{"public", "x", "y", "z"}, "public takes one file, not 3"},
		{[]string{"new", ""}, `new wants the name of a file, not ""`},
		{[]string{"new", "-"}, `new wants the name of a file, not "-"`},
		{[]string{"public", ""}, `public wants the name of a file, not ""`},
		{[]string{secret}, "a private ID does not belong on the command line.*"},
		{[]string{"new", secret}, "a private ID does not belong on the command line.*"},
		{[]string{"public", "x", secret}, "a private ID does not belong on the command line.*"},
	} {
		code, out, errs := clitest.Run(t, run, "", append([]string{"id"}, test.args...)...)
		qt.Check(t, code, qt.Equals, cli.ExitUsage, qt.Commentf("%q", test.want))
		qt.Check(t, out, qt.Equals, "")
		qt.Check(t, errs, qt.Matches, "netlog id: "+strings.NewReplacer("?", `\?`).Replace(test.want)+"\n")
	}
	files, err := os.ReadDir(".")
	qt.Assert(t, err, qt.IsNil)
	qt.Check(t, files, qt.HasLen, 0, qt.Commentf("it leaves nothing behind"))
}

// TestIDPublicFirstWord checks that spaces and further words do not matter.
func TestIDPublicFirstWord(t *testing.T) {
	id := secrettest.NewID()
	text, err := id.MarshalText()
	qt.Assert(t, err, qt.IsNil)
	for _, in := range []string{"\n\n" + string(text), " \t" + string(text) + " of web1\n", "\nprivate " + string(text) + "\n", "private\n" + string(text)} {
		_, out, errs := clitest.Run(t, run, in, "id", "public")
		qt.Check(t, out, qt.Equals, id.Public().String()+"\n", qt.Commentf("%s", errs))
	}
	code, _, _ := clitest.Run(t, run, "x "+string(text), "id", "public")
	qt.Check(t, code, qt.Equals, cli.ExitFailed)
}
