package filestore_test

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail/receiver"
	"github.com/go-netlog/netlog/logtail/receiver/filestore"
	"github.com/go-netlog/netlog/logtail/receiver/internal/storetest"
)

var _ receiver.Recaller = (*filestore.Store)(nil)

// numbered returns n lines of 1,000 bytes that begin with a number.
func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%-999d\n", i)
	}
	return b.String()
}

func TestRecent(t *testing.T) {
	const day1, day2, day3 = "1999-12-29.0001.ndjson", "1999-12-30.0001.ndjson", "2001-12-31.0001.ndjson"
	var newest, all []string
	for i := range 5000 {
		all = append(all, fmt.Sprint(i))
	}
	newest = all[5000-2097:] // two blocks
	for _, test := range []struct {
		name  string
		files map[string]string
		max   int64
		want  []string
	}{
		{"no files", nil, 1e6, nil},
		{"the newest file first", map[string]string{"x/" + day1: "1\n2\n", "x/" + day2: "3\n4\n"}, 1e6, []string{"3", "4", "1", "2"}},
		{"up to maxBytes", map[string]string{"x/" + day1: "1\n2\n", "x/" + day2: "3\n4\n"}, 2, []string{"3", "4"}},
		{"compressed files", map[string]string{"x/" + day1 + ".zst": storetest.Compress("1\n2\n"), "x/" + day2 + ".zst": storetest.Compress("3\n")},
			1e6, []string{"3", "1", "2"}},
		{"a plain file before a compressed one of a later day", map[string]string{"x/" + day1: "1\n", "x/" + day3 + ".zst": storetest.Compress("2\n")},
			1, []string{"1"}},
		{"collections share", map[string]string{"x/" + day1: "1\n", "x/" + day2: "2\n", "y/" + day1: "3\n", "y/" + day2: "4\n"}, 4, []string{"2", "4"}},
		{"a torn line", map[string]string{"x/" + day1 + ".zst": storetest.Compress("1\n2")}, 1e6, []string{"1"}},
		{"a damaged file", map[string]string{"x/" + day1: "1\n", "x/" + day2 + ".zst": "\x28\xb5\x2f\xfd"}, 1e6, []string{"1"}},
		{"the end of a large file", map[string]string{"x/" + day1: numbered(5000)}, 2 << 20, newest},
		{"the end of a large compressed file", map[string]string{"x/" + day1 + ".zst": storetest.Compress(numbered(5000))}, 2 << 20, newest},
		{"a large file", map[string]string{"x/" + day1: numbered(5000)}, 1e9, all},
		{"a line longer than a block", map[string]string{"x/" + day1: "1\n" + strings.Repeat(" ", 3<<20) + "2\n3\n"}, 1e9, []string{"3", "1", "2"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := qt.New(t)
				dir := t.TempDir()
				f := storetest.Open(c, dir, filestore.Options{MaxAge: -1})
				synctest.Wait() // so that it does not compress the files below
				for name, data := range test.files {
					c.Assert(os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o700), qt.IsNil)
					c.Assert(os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600), qt.IsNil)
				}
				var got []string
				for _, e := range f.Recent(test.max) {
					got = append(got, strings.TrimSpace(string(e)))
				}
				if len(got) > 1000 { // blocks come in reverse
					slices.SortFunc(got, func(a, b string) int { return cmp.Or(len(a)-len(b), strings.Compare(a, b)) })
				}
				c.Check(slices.Equal(got, test.want), qt.IsTrue, qt.Commentf("%d entries: %.10q", len(got), got))
				c.Assert(f.Close(), qt.IsNil)
			})
		})
	}
}

func TestRecentStops(t *testing.T) {
	c := qt.New(t)
	f := storetest.Open(c, t.TempDir(), filestore.Options{})
	for _, name := range []string{"x", "y"} {
		storetest.Store(c, f, name, "1", "2")
	}
	n := 0
	for range f.Recent(1e6) {
		n++
		break
	}
	c.Check(n, qt.Equals, 1)
	c.Assert(f.Close(), qt.IsNil)
}
