package filestore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail/receiver"
	"github.com/go-netlog/netlog/logtail/receiver/filestore"
	"github.com/go-netlog/netlog/logtail/receiver/internal/storetest"
)

// day0 is the first day in a synctest bubble.
const day0 = "2000-01-01"

func TestFilesByCollectionAndDay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		dir := filepath.Join(t.TempDir(), "a", "flows")
		f := storetest.Open(c, dir, filestore.Options{})
		storetest.Store(c, f, "x", "1", "2")
		storetest.Store(c, f, "y", "3")
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		storetest.Store(c, f, "x", "4")
		c.Assert(f.Close(), qt.IsNil)
		names, lines := storetest.Tree(c, dir)
		c.Check(names, qt.DeepEquals, []string{
			"x/2000-01-01.0001.ndjson.zst", "x/2000-01-02.0001.ndjson", "y/2000-01-01.0001.ndjson.zst"})
		c.Check(lines, qt.DeepEquals, []string{"1", "2", "4", "3"})
		c.Check(f.Store(t.Context(), storetest.Batch("x", "5")), qt.ErrorIs, filestore.ErrClosed)
		if runtime.GOOS == "windows" {
			return
		}
		for name, want := range map[string]os.FileMode{".": 0o700, "x": 0o700, ".lock": 0o600, names[0]: 0o600, names[1]: 0o600} {
			info, err := os.Stat(filepath.Join(dir, name))
			c.Assert(err, qt.IsNil)
			c.Check(info.Mode().Perm(), qt.Equals, want, qt.Commentf("%s", name))
		}
	})
}

func TestOpenLocked(t *testing.T) {
	c := qt.New(t)
	dir := t.TempDir()
	f := storetest.Open(c, dir, filestore.Options{})
	_, err := filestore.Open(dir, filestore.Options{})
	c.Check(err, qt.ErrorIs, filestore.ErrLocked)
	c.Assert(f.Close(), qt.IsNil)
	c.Assert(storetest.Open(c, dir, filestore.Options{}).Close(), qt.IsNil)
}

func TestMaxCollections(t *testing.T) {
	c := qt.New(t)
	dir := t.TempDir()
	for range 2 { // also after a restart
		f := storetest.Open(c, dir, filestore.Options{MaxCollections: 2})
		storetest.Store(c, f, "x", "1")
		storetest.Store(c, f, "y", "1")
		c.Check(f.Store(t.Context(), storetest.Batch("z", "1")), qt.ErrorIs, receiver.ErrCollections)
		for _, name := range []string{".", "..", "", "a/b", `a\b`, ".x"} {
			c.Check(f.Store(t.Context(), storetest.Batch(name, "1")), qt.Not(qt.IsNil))
		}
		c.Assert(f.Close(), qt.IsNil)
	}
}

func TestStoreFollowsNoLink(t *testing.T) {
	c := qt.New(t)
	dir, outside := t.TempDir(), t.TempDir()
	if err := os.Symlink(outside, filepath.Join(dir, "x")); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	f := storetest.Open(c, dir, filestore.Options{})
	c.Check(f.Store(t.Context(), storetest.Batch("x", "1")), qt.Not(qt.IsNil))
	c.Assert(f.Close(), qt.IsNil)
	names, _ := storetest.Tree(c, outside)
	c.Check(names, qt.HasLen, 0)
}

func TestMinFreeBytes(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("MinFreeBytes is tested on Linux only")
	}
	c := qt.New(t)
	f := storetest.Open(c, t.TempDir(), filestore.Options{MinFreeBytes: 1 << 60})
	c.Check(f.Store(t.Context(), storetest.Batch("x", "1")), qt.ErrorIs, filestore.ErrNoRoom)
	c.Check(f.Check(), qt.ErrorIs, filestore.ErrNoRoom)
	c.Assert(f.Close(), qt.IsNil)
}

func TestStoreConcurrent(t *testing.T) {
	for _, sync := range []bool{false, true} {
		c := qt.New(t)
		dir := t.TempDir()
		f := storetest.Open(c, dir, filestore.Options{MaxFileBytes: 2000, Sync: sync})
		storeConcurrently(c, f)
		c.Assert(f.Close(), qt.IsNil)
		_, lines := storetest.Tree(c, dir)
		slices.Sort(lines)
		c.Check(lines, qt.HasLen, 8*50*2)
		c.Check(slices.Compact(lines), qt.HasLen, 8*50*2)
	}
}

// storeConcurrently stores 400 batches of two entries.
func storeConcurrently(c *qt.C, f *filestore.Store) {
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for n := range 50 {
				err := f.Store(context.Background(), storetest.Batch("x", fmt.Sprintf("%d-%03d-a", g, n), fmt.Sprintf("%d-%03d-b", g, n)))
				c.Check(err, qt.IsNil)
			}
		})
	}
	wg.Wait()
}

func TestCloseTwice(t *testing.T) {
	c := qt.New(t)
	f := storetest.Open(c, t.TempDir(), filestore.Options{})
	c.Check(f.Check(), qt.IsNil)
	c.Check(errors.Join(f.Close(), f.Close()), qt.IsNil)
	c.Check(f.Check(), qt.ErrorIs, filestore.ErrClosed)
}
