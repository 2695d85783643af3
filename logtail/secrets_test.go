package logtail_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail"
)

// All private IDs of these tests begin with the same bytes, and all Loggers send
// the same token. So any text or file, of any test, can be searched for the
// secrets of all of them. The helpers of this package do so with all that a Logger
// says, returns or shows, with all that a request holds outside its first line,
// and with all files; TestMain does so with all that is printed.

// idMarker is a pattern that comes by accident nowhere.
const idMarker = "\xd1\x7a\x3c\x95\x0e\xb8\x66\xf2\x49\x8d\x21\xe7\xb4\x5f\x90\x0c\xc3\x78\xae\x13\xdb\x64\x2f\x97"

// token is the secret in headers and URLs.
const token = "tok-8f3a91c5d2e7"

// newID returns a fresh private ID that findSecret knows.
func newID() logtail.PrivateID {
	id := logtail.NewPrivateID()
	copy(id[:], idMarker)
	return id
}

// findSecret says which secret text holds, or a piece of it, or returns nothing.
func findSecret(text []byte) string {
	lower := bytes.ToLower(text)
	if bytes.Contains(lower, []byte(token)) {
		return "the token"
	}
	digits := hex.EncodeToString([]byte(idMarker))
	for i := range len(digits) - 15 {
		if bytes.Contains(lower, []byte(digits[i:i+16])) {
			return "an ID in hexadecimal digits"
		}
	}
	for i := range len(idMarker) - 7 {
		piece := idMarker[i : i+8]
		decimal := strings.Trim(fmt.Sprint([]byte(piece)), "[]")
		source := strings.TrimSuffix(fmt.Sprintf("%#v", []byte(piece)), "}")[len("[]byte{"):]
		for _, form := range []string{piece, decimal, strings.ReplaceAll(decimal, " ", ","), strings.ReplaceAll(decimal, " ", ", "), source} {
			if bytes.Contains(text, []byte(form)) {
				return "the bytes of an ID"
			}
		}
	}
	return ""
}

// checkNoSecret fails the test where text holds a secret.
func checkNoSecret(t testing.TB, where, text string) {
	t.Helper()
	if secret := findSecret([]byte(text)); secret != "" {
		t.Errorf("%s shows %s", where, secret)
	}
}

// checkFiles looks for secrets in the files below dir and in their names.
func checkFiles(t testing.TB, dir string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		b, err := os.ReadFile(path)
		checkNoSecret(t, path, string(b))
		checkNoSecret(t, "a file name", path)
		return err
	})
	qt.Check(t, err, qt.IsNil)
	qt.Check(t, files > 0, qt.IsTrue)
}

// newLogger starts a Logger and watches what it says and shows.
func newLogger(t testing.TB, cfg logtail.Config) *logtail.Logger {
	t.Helper()
	logf := cfg.Logf
	cfg.Logf = func(format string, args ...any) {
		checkNoSecret(t, "a line of the log", fmt.Sprintf(format, args...))
		if logf != nil {
			logf(format, args...)
		}
	}
	l, err := logtail.NewLogger(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		var out bytes.Buffer
		stats := l.Stats()
		printAll(&out, l, cfg, stats)
		printErrors(&out, stats.LastError)
		checkNoSecret(t, "a Logger", out.String())
	})
	return l
}

// printErrors prints err and all that it wraps.
func printErrors(out *bytes.Buffer, err error) {
	if err == nil {
		return
	}
	for err := range unwrapAll(err) {
		printAll(out, err)
	}
}

// The search finds what it is for.
func TestFindSecret(t *testing.T) {
	id := newID()
	text, err := id.MarshalText()
	qt.Assert(t, err, qt.IsNil)
	for name, leak := range map[string]string{
		"digits":   string(text),
		"a piece":  "x" + string(text[9:25]),
		"capitals": strings.ToUpper(string(text)),
		"token":    "Bearer " + token,
		"bytes":    string(id[:]),
		"%v":       fmt.Sprint([32]byte(id)),
		"JSON":     strings.ReplaceAll(fmt.Sprint([32]byte(id)), " ", ","),
		"GoString": fmt.Sprintf("%#v", [32]byte(id)),
		"an error": errors.New("post " + string(text)).Error(),
	} {
		qt.Check(t, findSecret([]byte("a line "+leak+" here")), qt.Not(qt.Equals), "", qt.Commentf(name))
	}
	for name, clean := range map[string]string{
		"public": id.Public().String(),
		"String": id.String(),
		"short":  string(text[:15]),
	} {
		qt.Check(t, findSecret([]byte(clean)), qt.Equals, "", qt.Commentf(name))
	}
	var out strings.Builder
	long := strings.Repeat("-", 100_000)
	qt.Check(t, copyWatched(&out, strings.NewReader(long+string(text)+long)), qt.Not(qt.Equals), "")
	qt.Check(t, out.Len(), qt.Equals, 200_064)
}
