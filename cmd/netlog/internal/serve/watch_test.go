package serve

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/secrettest"
)

// TestWatchKeepsGoodValue has a file of words that changes, and checks which content is in
// force after each step.
func TestWatchKeepsGoodValue(t *testing.T) {
	const old, long = "a\nb\n", "a\nb\nc\n"
	type step struct {
		write  string // "-" removes the file
		checks int
		want   string
		said   string // "" if nothing
	}
	const soon, tooSoon = 2, int(shrunkFor / checkEvery)
	const most = tooSoon + 2
	for name, steps := range map[string][]step{
		"longer":                     {{long, soon, long, "read FILE again"}},
		"after one check only":       {{long, 1, old, ""}},
		"invalid":                    {{"bad\nbad\n", soon, old, "bad; the old content stays in force"}, {"bad\nbad\n", most, old, ""}, {old, soon, old, "read FILE again"}},
		"removed":                    {{"-", soon, old, "no such file"}, {"-", most, old, ""}, {old, soon, old, ""}, {"-", soon, old, "no such file"}},
		"empty for a moment":         {{"", tooSoon, old, "FILE has fewer lines"}, {old, most, old, ""}},
		"empty for good":             {{"", tooSoon, old, "FILE has fewer lines"}, {"", soon, "", "read FILE again"}},
		"written in two steps":       {{"a\n", tooSoon, old, "FILE has fewer lines"}, {long, soon, long, "read FILE again"}},
		"written in three steps":     {{"", tooSoon, old, "FILE has fewer lines"}, {"a\n", tooSoon, old, ""}, {long, soon, long, "read FILE again"}},
		"changes at each check":      {{long, 1, old, ""}, {long + "d", 1, old, ""}, {long + "de", 1, old, ""}},
		"invalid, then the old one":  {{"bad\nbad\n", soon, old, "bad"}, {old, soon, old, "again"}, {"bad\nbad\n", soon, old, "bad"}},
		"of equal length and time":   {{"x\ny\n", soon, "x\ny\n", "read FILE again"}},
		"replaced by one line fewer": {{"b\n", most, "b\n", "FILE has fewer lines|read FILE again"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := qt.New(t)
				path := filepath.Join(t.TempDir(), "words")
				created := time.Now()
				write := func(s string) {
					if s == "-" {
						c.Assert(os.Remove(path), qt.IsNil)
						return
					}
					c.Assert(os.WriteFile(path, []byte(s), 0o600), qt.IsNil)
					c.Assert(os.Chtimes(path, created, created), qt.IsNil)
				}
				var said []string
				write(old)
				w, err := watch(func(files [][]byte) (string, error) {
					if bytes.HasPrefix(files[0], []byte("bad")) {
						return "", fmt.Errorf("bad")
					}
					return string(files[0]), nil
				}, func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }, path)
				c.Assert(err, qt.IsNil)
				was := old
				for n, step := range steps {
					if step.write != was {
						write(step.write)
					}
					was, said = step.write, nil
					for range step.checks {
						time.Sleep(checkEvery)
						w.check()
					}
					c.Check(w.get(), qt.Equals, step.want, qt.Commentf("step %d", n))
					got := strings.ReplaceAll(strings.Join(said, "|"), path, "FILE")
					c.Check(strings.Contains(got, strings.Split(step.said, "|")[0]), qt.IsTrue, qt.Commentf("step %d: %q", n, got))
					want := 0
					if step.said != "" {
						want = 1 + strings.Count(step.said, "|")
					}
					c.Check(said, qt.HasLen, want, qt.Commentf("step %d: %q", n, got))
				}
			})
		})
	}
}

// TestServeFilesReplacedWithEqualTime replaces each file that is read again by one of the
// same size and time, as rsync -t and systems with one time for all files do.
func TestServeFilesReplacedWithEqualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		dir := t.TempDir()
		created := time.Now()
		first, second := secrettest.NewID().Public(), secrettest.NewID().Public()
		write := func(name, content string) {
			c.Assert(os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600), qt.IsNil)
		}
		s, _ := newTestServer(c, config{tokens: dir + "/tokens", nodes: dir + "/nodes", tlsCert: dir + "/cert", tlsKey: dir + "/key"})
		for round, id := range []fmt.Stringer{first, second} {
			write("tokens", fmt.Sprintf("%s netlog %s\n", strings.Repeat("ab", 32), id))
			write("nodes", fmt.Sprintf("%s name%d\n", id, round))
			writeCertificate(c, dir, fmt.Sprintf("name%d", round))
			for _, name := range []string{"tokens", "nodes", "cert", "key"} {
				c.Assert(os.Chtimes(filepath.Join(dir, name), created, created), qt.IsNil)
			}
			if round == 0 {
				c.Assert(s.readFiles(), qt.IsNil)
			}
			for range 2 {
				for _, check := range s.checks() {
					check()
				}
			}
			list := s.access.tokens.get()[[32]byte(bytes.Repeat([]byte{0xab}, 32))]
			c.Assert(list, qt.HasLen, 1)
			c.Check(list[0].id.String(), qt.Equals, id.String())
			c.Check(s.access.name(id.String()), qt.Equals, fmt.Sprintf("name%d", round))
			c.Check(s.cert.get().Leaf.Subject.CommonName, qt.Equals, fmt.Sprintf("name%d", round))
		}
	})
}
