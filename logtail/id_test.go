package logtail_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail"
)

func TestPublicIDIsHashOfPrivateID(t *testing.T) {
	c := qt.New(t)
	text := strings.Repeat("0123456789abcdef", 4)
	id, err := logtail.ParsePrivateID(strings.ToUpper(text))
	c.Assert(err, qt.IsNil)
	raw, _ := hex.DecodeString(text)
	c.Check(id.Public(), qt.Equals, logtail.PublicID(sha256.Sum256(raw)))
	got, err := id.MarshalText()
	c.Check(err, qt.IsNil)
	c.Check(string(got), qt.Equals, text)

	public, err := logtail.ParsePublicID(id.Public().String())
	c.Check(err, qt.IsNil)
	c.Check(public, qt.Equals, id.Public())
}

func TestParseIDInvalid(t *testing.T) {
	c := qt.New(t)
	secret := strings.Repeat("ab", 31)
	for _, s := range []string{"", secret, secret + "zz", secret + "abab", " " + secret + "a", strings.Repeat("0", 64)} {
		id, err := logtail.ParsePrivateID(s)
		c.Check(err, qt.ErrorMatches, "logtail: a private ID has .*", qt.Commentf("%q", s))
		c.Check(id, qt.Equals, logtail.PrivateID{})
		c.Check(strings.Contains(err.Error(), "abab"), qt.IsFalse)
	}
	_, err := logtail.ParsePublicID("x")
	c.Check(err, qt.IsNotNil)
	kept := logtail.NewPrivateID()
	want := kept
	c.Check(kept.UnmarshalText([]byte("x")), qt.IsNotNil)
	c.Check(kept, qt.Equals, want)
}

// checkHidden checks that text contains no part of id: neither its digits, nor its bytes, nor the
// bytes in decimal.
func checkHidden(c *qt.C, id logtail.PrivateID, where, text string) {
	c.Helper()
	digits, _ := id.MarshalText()
	lower := strings.ToLower(text)
	for i := 0; i+16 <= len(digits); i++ {
		if strings.Contains(lower, string(digits[i:i+16])) {
			c.Errorf("%s shows the private ID: %s", where, text)
			return
		}
	}
	decimal := strings.Trim(fmt.Sprint(id[:8]), "[]")
	for _, piece := range []string{
		string(id[:8]), decimal, strings.ReplaceAll(decimal, " ", ", "), strings.ReplaceAll(decimal, " ", ","),
		fmt.Sprintf("%#v", id[:4])[len("[]byte{"):][:20],
	} {
		if strings.Contains(text, piece) {
			c.Errorf("%s shows the bytes of the private ID: %s", where, text)
		}
	}
}

func TestPrivateIDPrintsAsItsPublicID(t *testing.T) {
	c := qt.New(t)
	id := logtail.NewPrivateID()
	// All verbs but %p, which calls no method and which vet reports.
	for verb := range strings.FieldsSeq("%v %+v %#v %s %q %x %X %#x %d %o %b %c %U %e %t %T %10v %-80s") {
		for _, v := range []any{id, &id, []logtail.PrivateID{id}, map[string]logtail.PrivateID{"a": id}, struct{ ID logtail.PrivateID }{id}} {
			checkHidden(c, id, verb, fmt.Sprintf(verb, v))
		}
	}
	c.Check(fmt.Sprint(id), qt.Equals, id.Public().String())
	var out bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("x", "id", id)
	}
	checkHidden(c, id, "slog", out.String())
	c.Check(strings.Count(out.String(), id.Public().String()), qt.Equals, 2)
}

func TestIDMarshalText(t *testing.T) {
	c := qt.New(t)
	type state struct {
		ID     logtail.PrivateID
		Public logtail.PublicID
	}
	id := logtail.NewPrivateID()
	want := state{id, id.Public()}
	b, err := json.Marshal(want)
	c.Assert(err, qt.IsNil)
	c.Check(string(b), qt.Contains, `"Public":"`+id.Public().String()+`"`)
	var got state
	c.Assert(json.Unmarshal(b, &got), qt.IsNil)
	c.Check(got, qt.Equals, want)
}

func TestLoadOrCreatePrivateID(t *testing.T) {
	c := qt.New(t)
	path := filepath.Join(t.TempDir(), "id")
	id, err := logtail.LoadOrCreatePrivateID(path)
	c.Assert(err, qt.IsNil)
	again, err := logtail.LoadOrCreatePrivateID(path)
	c.Assert(err, qt.IsNil)
	c.Check(again, qt.Equals, id)
	if runtime.GOOS != "windows" {
		info, err := os.Stat(path)
		c.Assert(err, qt.IsNil)
		c.Check(info.Mode().Perm(), qt.Equals, os.FileMode(0o600))
	}
	text, _ := id.MarshalText()
	content, err := os.ReadFile(path)
	c.Assert(err, qt.IsNil)
	c.Check(string(content), qt.Equals, string(text)+"\n")
	files, _ := os.ReadDir(filepath.Dir(path))
	c.Check(files, qt.HasLen, 1)
}

func TestLoadOrCreatePrivateIDWithoutPath(t *testing.T) {
	_, err := logtail.LoadOrCreatePrivateID("")
	qt.Check(t, err, qt.ErrorMatches, "logtail: keeping a private ID: path: is empty")
}

func TestLoadOrCreatePrivateIDConcurrent(t *testing.T) {
	c := qt.New(t)
	path := filepath.Join(t.TempDir(), "id")
	ids := make(chan logtail.PrivateID, 50)
	var wg sync.WaitGroup
	for range cap(ids) {
		wg.Go(func() {
			id, err := logtail.LoadOrCreatePrivateID(path)
			c.Check(err, qt.IsNil)
			ids <- id
		})
	}
	wg.Wait()
	first := <-ids
	for range cap(ids) - 1 {
		c.Check(<-ids, qt.Equals, first)
	}
}

func TestLoadPrivateIDErrorsShowNoContent(t *testing.T) {
	c := qt.New(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "id")
	secret := strings.Repeat("5ec3e7", 10)
	for _, content := range []string{secret, "", strings.Repeat("0", 64), secret + secret} {
		c.Assert(os.WriteFile(path, []byte(content), 0o600), qt.IsNil)
		_, err := logtail.LoadOrCreatePrivateID(path)
		c.Assert(err, qt.ErrorMatches, `logtail: file .*[/\\]id: a private ID has 64 hexadecimal digits.*`)
		c.Check(strings.Contains(err.Error(), "5ec3e7"), qt.IsFalse)
		after, _ := os.ReadFile(path)
		c.Check(string(after), qt.Equals, content)
	}
	_, err := logtail.LoadOrCreatePrivateID(filepath.Join(dir, "missing", "id"))
	c.Check(err, qt.ErrorIs, os.ErrNotExist)
	c.Check(err, qt.ErrorMatches, ".*missing: .*") // names the directory, and not a temporary file
}
