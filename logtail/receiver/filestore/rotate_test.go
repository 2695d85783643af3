package filestore_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail/receiver/filestore"
	"github.com/go-netlog/netlog/logtail/receiver/internal/storetest"
)

// A directory that is read while files in it are renamed can show one of them under
// neither of its names. Every batch has a file of its own here, while others are
// compressed.
func TestQuickRotationLosesNothing(t *testing.T) {
	c := qt.New(t)
	dir := t.TempDir()
	f := storetest.Open(c, dir, filestore.Options{RotateBytes: 1})
	const n = 1500
	var want []string
	for i := range n {
		want = append(want, fmt.Sprintf("%04d", i))
		storetest.Store(c, f, "x", want[i])
	}
	c.Assert(f.Close(), qt.IsNil)
	_, lines := storetest.Tree(c, dir)
	slices.Sort(lines)
	c.Check(len(lines), qt.Equals, n)
	c.Check(slices.Equal(lines, want), qt.IsTrue)
}

// Who copies the files away by their names must not meet one twice.
func TestANumberIsGivenOnce(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		f := storetest.Open(c, dir, filestore.Options{RotateBytes: 1})
		storetest.Store(c, f, "x", "1")
		storetest.Store(c, f, "x", "2")
		synctest.Wait()
		c.Assert(os.Remove(filepath.Join(dir, "x", day0+".0001.ndjson.zst")), qt.IsNil)
		storetest.Store(c, f, "x", "3")
		synctest.Wait()
		c.Assert(f.Close(), qt.IsNil)
		names, lines := storetest.Tree(c, dir)
		c.Check(names, qt.DeepEquals, []string{"x/" + day0 + ".0002.ndjson.zst", "x/" + day0 + ".ndjson"})
		c.Check(lines, qt.DeepEquals, []string{"2", "3"})
	})
}

// What someone has put there, from a backup say, has its number already.
func TestARotatedFileReplacesNone(t *testing.T) {
	for _, suffix := range []string{".0002.ndjson", ".0002.ndjson.zst"} {
		dir := t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			c := qt.New(t)
			f := storetest.Open(c, dir, filestore.Options{RotateBytes: 1})
			storetest.Store(c, f, "x", "1")
			storetest.Store(c, f, "x", "2")
			synctest.Wait()
			data := "other\n"
			if filepath.Ext(suffix) == ".zst" {
				data = storetest.Compress(data)
			}
			c.Assert(os.WriteFile(filepath.Join(dir, "x", day0+suffix), []byte(data), 0o600), qt.IsNil)
			storetest.Store(c, f, "x", "3")
			time.Sleep(2 * time.Minute)
			synctest.Wait()
			c.Assert(f.Close(), qt.IsNil)
			_, lines := storetest.Tree(c, dir)
			c.Check(lines, qt.DeepEquals, []string{"1", "other", "2", "3"})
		})
	}
}

// The compressed form neither.
func TestACompressedFileReplacesNone(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		f := storetest.Open(c, dir, filestore.Options{RotateBytes: 1})
		first := filepath.Join(dir, "x", day0+".0001.ndjson.zst")
		blocker := first + ".tmp"
		c.Assert(os.MkdirAll(filepath.Join(blocker, "full"), 0o700), qt.IsNil)
		storetest.Store(c, f, "x", "1")
		storetest.Store(c, f, "x", "2")
		synctest.Wait()
		c.Assert(os.WriteFile(first, []byte(storetest.Compress("other\n")), 0o600), qt.IsNil)
		c.Assert(os.RemoveAll(blocker), qt.IsNil)
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		c.Assert(f.Close(), qt.IsNil)
		names, lines := storetest.Tree(c, dir)
		c.Check(names, qt.DeepEquals, []string{"x/" + day0 + ".0001.ndjson.zst", "x/" + day0 + ".0002.ndjson.zst", "x/" + day0 + ".ndjson"})
		c.Check(lines, qt.DeepEquals, []string{"other", "1", "2"})
	})
}
