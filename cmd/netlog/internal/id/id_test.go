package id

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/cmd/netlog/internal/cli"
	"github.com/go-netlog/netlog/cmd/netlog/internal/clitest"
)

func TestIDPublicReadsNew(t *testing.T) {
	code, out, _ := clitest.Run(t, run, "", "id", "new")
	qt.Assert(t, code, qt.Equals, cli.ExitOK)
	private, public, _ := strings.Cut(out, "\n")
	private, public = strings.TrimPrefix(private, "private "), strings.TrimSpace(strings.TrimPrefix(public, "public "))
	path := filepath.Join(t.TempDir(), "id")
	qt.Assert(t, os.WriteFile(path, []byte(private+"\n"), 0o600), qt.IsNil)
	for _, test := range []struct {
		stdin string
		args  []string
	}{{out, nil}, {private, nil}, {private + "\n", []string{"-"}}, {"", []string{path}}} {
		code, got, errs := clitest.Run(t, run, test.stdin, append([]string{"id", "public"}, test.args...)...)
		qt.Check(t, code, qt.Equals, cli.ExitOK)
		qt.Check(t, errs, qt.Equals, "")
		qt.Check(t, strings.TrimSpace(got), qt.Equals, public)
	}
}

func TestIDPublicUnreadable(t *testing.T) {
	for path, want := range map[string]string{
		"none": `netlog id: .*none: no such file.*\n`, ".": `netlog id: .*is a directory\n`, "empty": `netlog id: .*private ID.*\n`,
	} {
		dir := t.TempDir()
		qt.Assert(t, os.WriteFile(filepath.Join(dir, "empty"), nil, 0o600), qt.IsNil)
		code, out, errs := clitest.Run(t, run, "", "id", "public", filepath.Join(dir, path))
		qt.Check(t, code, qt.Equals, cli.ExitFindings)
		qt.Check(t, out, qt.Equals, "")
		qt.Check(t, errs, qt.Matches, want)
	}
}

func TestIDErrorHidesSecret(t *testing.T) {
	secret := strings.Repeat("5e", 32)
	for _, test := range []struct {
		stdin string
		args  []string
	}{{"", []string{secret}}, {secret + "0", nil}, {"", nil}} {
		code, out, errs := clitest.Run(t, run, test.stdin, append([]string{"id", "public"}, test.args...)...)
		qt.Check(t, code, qt.Not(qt.Equals), cli.ExitOK)
		qt.Check(t, out, qt.Equals, "")
		qt.Check(t, errs, qt.Not(qt.Contains), secret)
	}
}
