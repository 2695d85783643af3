package secrettest_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/secrettest"
)

// The search finds what it is for.
func TestFindSecret(t *testing.T) {
	id := secrettest.NewID()
	text, err := id.MarshalText()
	qt.Assert(t, err, qt.IsNil)
	for name, leak := range map[string]string{
		"digits":   string(text),
		"a piece":  "x" + string(text[9:25]),
		"capitals": strings.ToUpper(string(text)),
		"token":    "Bearer " + secrettest.Token,
		"bytes":    string(id[:]),
		"%v":       fmt.Sprint([32]byte(id)),
		"JSON":     strings.ReplaceAll(fmt.Sprint([32]byte(id)), " ", ","),
		"GoString": fmt.Sprintf("%#v", [32]byte(id)),
		"an error": errors.New("post " + string(text)).Error(),
	} {
		qt.Check(t, secrettest.Find([]byte("a line "+leak+" here")), qt.Not(qt.Equals), "", qt.Commentf(name))
	}
	for name, clean := range map[string]string{
		"public": id.Public().String(),
		"String": id.String(),
		"short":  string(text[:15]),
	} {
		qt.Check(t, secrettest.Find([]byte(clean)), qt.Equals, "", qt.Commentf(name))
	}
}

// recorder is a test whose errors are what is tested.
type recorder struct {
	testing.TB
	errs []string
}

func (r *recorder) Helper()                   {}
func (r *recorder) Error(args ...any)         { r.errs = append(r.errs, fmt.Sprint(args...)) }
func (r *recorder) Errorf(f string, a ...any) { r.errs = append(r.errs, fmt.Sprintf(f, a...)) }

func TestCheckFilesFailsOnSecret(t *testing.T) {
	for _, test := range []struct {
		name, file, text string
		want             string // a pattern; empty: all is well
	}{
		{"a secret in a file", "dir/flows", "x" + secrettest.Token, ".*flows shows the token"},
		{"a secret in a name", "dir/" + secrettest.Token, "x", "a file name shows the token"},
		{"a file that is for secrets", "dir/id", secrettest.Token, ""},
		{"nothing secret", "dir/flows", "x", ""},
	} {
		dir := t.TempDir()
		qt.Assert(t, os.Mkdir(filepath.Join(dir, "dir"), 0o700), qt.IsNil)
		qt.Assert(t, os.WriteFile(filepath.Join(dir, test.file), []byte(test.text), 0o600), qt.IsNil)
		r := &recorder{TB: t}
		files := secrettest.CheckFiles(r, dir, "id")
		qt.Check(t, files == 0, qt.Equals, strings.HasSuffix(test.file, "/id"), qt.Commentf("%s", test.name))
		qt.Check(t, strings.Join(r.errs, "\n"), qt.Matches, test.want, qt.Commentf("%s", test.name))
	}
	r := &recorder{TB: t}
	qt.Check(t, secrettest.CheckFiles(r, filepath.Join(t.TempDir(), "none")), qt.Equals, 0)
	qt.Check(t, r.errs, qt.HasLen, 1, qt.Commentf("files that cannot be read were not searched"))
}
