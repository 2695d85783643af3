package filestore_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail/receiver"
	"github.com/go-netlog/netlog/logtail/receiver/filestore"
	"github.com/go-netlog/netlog/logtail/receiver/internal/storetest"
)

func TestMaxFileBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		dir := t.TempDir()
		f := storetest.Open(c, dir, filestore.Options{MaxFileBytes: 100})
		var want []string
		for n := range 10 {
			want = append(want, strings.Repeat(fmt.Sprint(n), 40))
			storetest.Store(c, f, "x", want[n])
		}
		synctest.Wait()
		c.Assert(f.Close(), qt.IsNil)
		names, lines := storetest.Tree(c, dir)
		c.Check(lines, qt.DeepEquals, want, qt.Commentf("names sort by time"))
		c.Check(names, qt.HasLen, 5)
		c.Check(names[0], qt.Equals, "x/"+day0+".0001.ndjson.zst")
		c.Check(names[4], qt.Equals, "x/"+day0+".0005.ndjson")
	})
}

func TestMaxAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		dir := t.TempDir()
		f := storetest.Open(c, dir, filestore.Options{MaxAge: 48 * time.Hour})
		for n := range 6 {
			storetest.Store(c, f, "x", fmt.Sprint(n))
			time.Sleep(24 * time.Hour)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		c.Assert(f.Close(), qt.IsNil)
		_, lines := storetest.Tree(c, dir)
		c.Check(lines, qt.DeepEquals, []string{"4", "5"})
	})
}

func TestCollectionEmptyNotCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		dir := t.TempDir()
		f := storetest.Open(c, dir, filestore.Options{MaxAge: 24 * time.Hour, MaxCollections: 1})
		storetest.Store(c, f, "x", "1")
		c.Check(f.Store(t.Context(), storetest.Batch("y", "1")), qt.ErrorIs, receiver.ErrCollections)
		time.Sleep(72 * time.Hour)
		synctest.Wait()
		storetest.Store(c, f, "y", "2")
		c.Check(f.Store(t.Context(), storetest.Batch("x", "3")), qt.ErrorIs, receiver.ErrCollections)
		c.Assert(f.Close(), qt.IsNil)
		names, _ := storetest.Tree(c, dir)
		c.Check(names, qt.DeepEquals, []string{"y/2000-01-04.0001.ndjson"})
	})
}

func TestMaxBytesRemovesOldest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		dir := t.TempDir()
		f := storetest.Open(c, dir, filestore.Options{MaxBytes: 32 << 10})
		rng := storetest.NewNoise()
		const n = 60
		for n := range n {
			storetest.Store(c, f, []string{"x", "y"}[n%2], fmt.Sprintf("%03d", n)+rng.Line(2500))
			synctest.Wait()
			c.Check(f.Bytes() < 36<<10, qt.IsTrue, qt.Commentf("%d bytes", f.Bytes()))
		}
		c.Assert(f.Close(), qt.IsNil)
		_, lines := storetest.Tree(c, dir)
		slices.Sort(lines)
		c.Check(len(lines) > 8, qt.IsTrue, qt.Commentf("%d lines", len(lines)))
		for i, line := range lines {
			c.Check(line[:3], qt.Equals, fmt.Sprintf("%03d", n-len(lines)+i), qt.Commentf("the newest, without a gap"))
		}
	})
}

// TestMaxBytesManyCollections checks that MaxBytes holds if there are many files being written, which
// are not removed.
func TestMaxBytesManyCollections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		const collections, size, most = 64, 250, 64 << 10
		f := storetest.Open(c, t.TempDir(), filestore.Options{MaxBytes: most, MaxCollections: collections})
		rng := storetest.NewNoise()
		for range 8 { // twice MaxBytes
			for n := range collections {
				storetest.Store(c, f, fmt.Sprint("x", n), rng.Line(size-1))
			}
			synctest.Wait()
			c.Check(f.Bytes() <= most+collections*size, qt.IsTrue, qt.Commentf("%d bytes", f.Bytes()))
		}
		c.Assert(f.Close(), qt.IsNil)
	})
}

// TestMaxBytesKeepsOpenFile checks that a file larger than MaxBytes remains until it is finished.
func TestMaxBytesKeepsOpenFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		dir := t.TempDir()
		f := storetest.Open(c, dir, filestore.Options{MaxBytes: 10})
		for _, entry := range []string{"the first entry", "the second entry"} {
			storetest.Store(c, f, "x", entry)
			time.Sleep(2 * time.Minute)
			_, lines := storetest.Tree(c, dir)
			c.Check(lines, qt.DeepEquals, []string{entry})
		}
		c.Assert(f.Close(), qt.IsNil)
	})
}

func TestForeignFilesStay(t *testing.T) {
	c := qt.New(t)
	dir := t.TempDir()
	foreign := []string{"README", "x/notes.ndjson", "x/2000-01-01.ndjson.gz", "x/1999-99-99.ndjson", "x/my.tmp",
		"x/2000-01-01.0000.ndjson", "x/2000-01-01.new.ndjson", "x/2000-01-01.new.tmp", ".hidden/2000-01-01.ndjson"}
	for _, name := range foreign {
		path := filepath.Join(dir, name)
		c.Assert(os.MkdirAll(filepath.Dir(path), 0o700), qt.IsNil)
		c.Assert(os.WriteFile(path, []byte("foreign\n"), 0o600), qt.IsNil)
	}
	f := storetest.Open(c, dir, filestore.Options{MaxBytes: 1, MaxAge: 1})
	storetest.Store(c, f, "x", "1")
	c.Assert(f.Close(), qt.IsNil)
	for _, name := range foreign {
		_, err := os.Stat(filepath.Join(dir, name))
		c.Check(err, qt.IsNil)
	}
}

func TestOpenRepairs(t *testing.T) {
	const first, second, third = day0 + ".0001.ndjson", day0 + ".0002.ndjson", day0 + ".0003.ndjson"
	for _, test := range []struct {
		name        string
		before      map[string]string
		names, want []string
	}{
		{"a torn line is cut off", map[string]string{first: "1\n2\n{\"to"},
			[]string{first + ".zst", second}, []string{"1", "2", "new"}},
		{"a file with a torn line only becomes empty", map[string]string{first: "{\"to"},
			[]string{first + ".zst", second}, []string{"new"}},
		{"a torn line longer than a chunk of cutTorn", map[string]string{first: "1\n" + strings.Repeat("x", 200_000)},
			[]string{first + ".zst", second}, []string{"1", "new"}},
		{"zeros of a power cut are a torn line", map[string]string{first: "1\n" + strings.Repeat("\x00", 5000)},
			[]string{first + ".zst", second}, []string{"1", "new"}},
		{"several files", map[string]string{first: "1\n", second: "2\n3"},
			[]string{first + ".zst", second + ".zst", third}, []string{"1", "2", "new"}},
		{"a file of a past day is finished", map[string]string{"1999-12-31.0001.ndjson": "1\n2"},
			[]string{"1999-12-31.0001.ndjson.zst", first}, []string{"1", "new"}},
		{"killed during compression", map[string]string{first: "1\n", day0 + ".0001.tmp": "\x28\xb5"},
			[]string{first + ".zst", second}, []string{"1", "new"}},
		{"killed after compression", map[string]string{first: "1\n", first + ".zst": storetest.Compress("1\n")},
			[]string{first + ".zst", second}, []string{"1", "new"}},
		{"a compressed file with other content", map[string]string{first: "1\n", first + ".zst": storetest.Compress("2\n")},
			[]string{first, first + ".zst", second}, []string{"1", "2", "new"}},
		{"a compressed file that is damaged", map[string]string{first: "1\n", first + ".zst": ""},
			[]string{first, first + ".zst", second}, []string{"1", "new"}},
		{"today's file of an earlier version", map[string]string{day0 + ".0007.ndjson.zst": storetest.Compress("0\n"), day0 + ".ndjson": "1\n{"},
			[]string{day0 + ".0007.ndjson.zst", day0 + ".0008.ndjson", day0 + ".ndjson.zst"}, []string{"0", "new", "1"}},
		{"a past day's file of an earlier version", map[string]string{"1999-12-31.ndjson": "1\n", "1999-12-31.ndjson.zst.tmp": "\x28\xb5"},
			[]string{"1999-12-31.ndjson.zst", first}, []string{"1", "new"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := qt.New(t)
			dir := t.TempDir()
			c.Assert(os.Mkdir(filepath.Join(dir, "x"), 0o700), qt.IsNil)
			for name, data := range test.before {
				c.Assert(os.WriteFile(filepath.Join(dir, "x", name), []byte(data), 0o600), qt.IsNil)
			}
			synctest.Test(t, func(t *testing.T) {
				f := storetest.Open(c, dir, filestore.Options{})
				storetest.Store(c, f, "x", "new")
				synctest.Wait() // until the files are compressed
				c.Assert(f.Close(), qt.IsNil)
			})
			names, lines := storetest.Tree(c, filepath.Join(dir, "x"))
			c.Check(names, qt.DeepEquals, test.names)
			c.Check(lines, qt.DeepEquals, test.want)
		})
	}
}

// TestRemovalLogged checks that the log has the reason for each removal, so that a wrong bound is
// noticed.
func TestRemovalLogged(t *testing.T) {
	for _, test := range []struct {
		name string
		opts filestore.Options
		want string
	}{
		{"by age, in days", filestore.Options{MaxAge: 48 * time.Hour}, "older than 2 days"},
		{"by age, in hours", filestore.Options{MaxAge: time.Hour}, "older than 1h0m0s"},
		{"by size", filestore.Options{MaxBytes: 10}, "more than 10 bytes in total"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := qt.New(t)
				log := new(storetest.Log)
				test.opts.Logf = log.Logf
				f := storetest.Open(c, t.TempDir(), test.opts)
				storetest.Store(c, f, "x", "1")
				time.Sleep(96 * time.Hour)
				c.Assert(f.Close(), qt.IsNil)
				c.Check(log.Take(), qt.DeepEquals, []string{"filestore: removed x/" + day0 + ".0001.ndjson.zst: " + test.want})
			})
		})
	}
}

// TestErrorOfManyCollectionsLoggedOnce checks that equal errors are logged once, although the order
// of the collections varies.
func TestErrorOfManyCollectionsLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		dir := t.TempDir()
		log := new(storetest.Log)
		f := storetest.Open(c, dir, filestore.Options{Logf: log.Logf})
		for n := range 4 {
			name := fmt.Sprint("x", n)
			storetest.Store(c, f, name, "1")
			c.Assert(os.MkdirAll(filepath.Join(dir, name, day0+".0001.tmp", "full"), 0o700), qt.IsNil)
		}
		time.Sleep(25 * time.Hour)
		c.Assert(f.Close(), qt.IsNil)
		lines := log.Take()
		c.Assert(lines, qt.HasLen, 1)
		c.Check(strings.Count(lines[0], "compress "), qt.Equals, 4)
	})
}
