package secrettest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"
)

func TestWatchFindsSplitSecret(t *testing.T) {
	id := NewID()
	text, err := id.MarshalText()
	qt.Assert(t, err, qt.IsNil)
	var out strings.Builder
	long := strings.Repeat("-", 100_000)
	qt.Check(t, copyWatched(&out, strings.NewReader(long+string(text)+long)), qt.Not(qt.Equals), "")
	qt.Check(t, out.Len(), qt.Equals, 200_064)
}

func TestWatchFailsIfSecretPrinted(t *testing.T) {
	for _, test := range []struct {
		name string
		std  **os.File
		code int // of the tests themselves
		text string
		want int
	}{
		{"nothing secret", &os.Stdout, 0, "clean", 0},
		{"tests that fail", &os.Stdout, 2, "clean", 2},
		{"a secret on stdout", &os.Stdout, 0, Token, 1},
		{"a secret on stderr", &os.Stderr, 0, Token, 1},
		{"a secret of tests that fail", &os.Stderr, 2, Token, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			printed, err := os.Create(filepath.Join(t.TempDir(), "printed"))
			qt.Assert(t, err, qt.IsNil)
			defer printed.Close()
			old := *test.std
			*test.std = printed
			code := Watch(func() int { fmt.Fprintln(*test.std, test.text); return test.code })
			back := *test.std
			*test.std = old
			qt.Check(t, back, qt.Equals, printed, qt.Commentf("it is as before"))
			qt.Check(t, code, qt.Equals, test.want)
			got, err := os.ReadFile(printed.Name())
			qt.Assert(t, err, qt.IsNil)
			want := test.text + "\n"
			if test.text == Token {
				want += "\nFAIL: the output above shows the token\n"
			}
			qt.Check(t, string(got), qt.Equals, want)
		})
	}
}
