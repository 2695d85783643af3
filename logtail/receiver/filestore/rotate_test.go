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

// TestRotationLosesNothing writes each batch into its own file while others are compressed.
func TestRotationLosesNothing(t *testing.T) {
	c := qt.New(t)
	dir := t.TempDir()
	f := storetest.Open(c, dir, filestore.Options{MaxFileBytes: 1})
	const n = 1500
	var want []string
	for i := range n {
		want = append(want, fmt.Sprintf("%04d", i))
		storetest.Store(c, f, "x", want[i])
	}
	c.Assert(f.Close(), qt.IsNil)
	names, lines := storetest.Tree(c, dir)
	c.Check(names, qt.HasLen, n)
	c.Check(slices.Equal(lines, want), qt.IsTrue, qt.Commentf("%d lines", len(lines)))
}

// TestNumberUsedOnce checks that the number of a removed file is not used again, so that programs can
// copy files by name.
func TestNumberUsedOnce(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		f := storetest.Open(c, dir, filestore.Options{MaxFileBytes: 1})
		storetest.Store(c, f, "x", "1")
		storetest.Store(c, f, "x", "2")
		synctest.Wait()
		c.Assert(os.Remove(filepath.Join(dir, "x", day0+".0001.ndjson.zst")), qt.IsNil)
		storetest.Store(c, f, "x", "3")
		synctest.Wait()
		c.Assert(f.Close(), qt.IsNil)
		names, lines := storetest.Tree(c, dir)
		c.Check(names, qt.DeepEquals, []string{"x/" + day0 + ".0002.ndjson.zst", "x/" + day0 + ".0003.ndjson"})
		c.Check(lines, qt.DeepEquals, []string{"2", "3"})
	})
}

func TestReopenBeginsNewFile(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		for n := range 3 {
			f := storetest.Open(c, dir, filestore.Options{})
			storetest.Store(c, f, "x", fmt.Sprint(n))
			synctest.Wait()
			c.Assert(f.Close(), qt.IsNil)
		}
		names, lines := storetest.Tree(c, dir)
		c.Check(names, qt.DeepEquals, []string{
			"x/" + day0 + ".0001.ndjson.zst", "x/" + day0 + ".0002.ndjson.zst", "x/" + day0 + ".0003.ndjson"})
		c.Check(lines, qt.DeepEquals, []string{"0", "1", "2"})
	})
}

// TestCreateReplacesNoFile checks that a file of another program, such as a backup, is not
// overwritten.
func TestCreateReplacesNoFile(t *testing.T) {
	for _, suffix := range []string{".0002.ndjson", ".0002.ndjson.zst"} {
		dir := t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			c := qt.New(t)
			f := storetest.Open(c, dir, filestore.Options{MaxFileBytes: 1})
			storetest.Store(c, f, "x", "1")
			synctest.Wait() // so that the next file is not compressed before it is complete
			data := "other\n"
			if filepath.Ext(suffix) == ".zst" {
				data = storetest.Compress(data)
			}
			c.Assert(os.WriteFile(filepath.Join(dir, "x", day0+suffix), []byte(data), 0o600), qt.IsNil)
			storetest.Store(c, f, "x", "2")
			storetest.Store(c, f, "x", "3")
			time.Sleep(2 * time.Minute)
			synctest.Wait()
			c.Assert(f.Close(), qt.IsNil)
			names, lines := storetest.Tree(c, dir)
			c.Check(lines, qt.DeepEquals, []string{"1", "other", "2", "3"})
			c.Check(names[3], qt.Equals, "x/"+day0+".0004.ndjson")
		})
	}
}

func TestCompressReplacesNoFile(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		log := new(storetest.Log)
		f := storetest.Open(c, dir, filestore.Options{MaxFileBytes: 1, Logf: log.Logf})
		first := filepath.Join(dir, "x", day0+".0001.ndjson.zst")
		storetest.Store(c, f, "x", "1")
		c.Assert(os.WriteFile(first, []byte(storetest.Compress("other\n")), 0o600), qt.IsNil)
		storetest.Store(c, f, "x", "2")
		storetest.Store(c, f, "x", "3")
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		c.Assert(f.Close(), qt.IsNil)
		names, lines := storetest.Tree(c, dir)
		c.Check(names, qt.DeepEquals, []string{
			"x/" + day0 + ".0001.ndjson", "x/" + day0 + ".0001.ndjson.zst", "x/" + day0 + ".0002.ndjson.zst", "x/" + day0 + ".0003.ndjson"})
		c.Check(lines, qt.DeepEquals, []string{"1", "other", "2", "3"})
		c.Check(log.Take(), qt.DeepEquals, []string{
			"filestore: x/" + day0 + ".0001.ndjson: kept, because " + day0 + ".0001.ndjson.zst has different content"})
	})
}
