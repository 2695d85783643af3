package receiver_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"
	"github.com/klauspost/compress/zstd"

	"github.com/go-netlog/netlog/logtail/receiver"
)

// The first day of a synctest bubble.
const day0 = "2000-01-01"

func openFiles(c *qt.C, dir string, opts receiver.FileOptions) *receiver.Files {
	c.Helper()
	if opts.MinFree == 0 {
		opts.MinFree = -1
	}
	f, err := receiver.OpenFiles(dir, opts)
	c.Assert(err, qt.IsNil)
	return f
}

func batch(collection string, entries ...string) receiver.Batch {
	b := receiver.Batch{Collection: collection, Received: time.Now()}
	for _, e := range entries {
		b.Entries = append(b.Entries, []byte(e))
	}
	return b
}

func store(c *qt.C, f *receiver.Files, collection string, entries ...string) {
	c.Helper()
	c.Assert(f.Store(c.Context(), batch(collection, entries...)), qt.IsNil)
}

// tree returns the names of all files below dir, and all lines in them in the order
// of the names.
func tree(c *qt.C, dir string) (names, lines []string) {
	c.Helper()
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() || e.Name() == ".lock" {
			return err
		}
		name, err := filepath.Rel(dir, path)
		c.Assert(err, qt.IsNil)
		names = append(names, filepath.ToSlash(name))
		data, err := os.ReadFile(path)
		c.Assert(err, qt.IsNil)
		if strings.HasSuffix(path, ".zst") {
			z, err := zstd.NewReader(bytes.NewReader(data))
			c.Assert(err, qt.IsNil)
			data, err = io.ReadAll(z)
			c.Assert(err, qt.IsNil)
			z.Close()
		}
		for line := range strings.Lines(string(data)) {
			line, ok := strings.CutSuffix(line, "\n")
			c.Check(ok, qt.IsTrue, qt.Commentf("%s ends in a torn line", name))
			lines = append(lines, line)
		}
		return nil
	})
	c.Assert(err, qt.IsNil)
	return names, lines
}

func TestFilesAreByCollectionAndDay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		dir := filepath.Join(t.TempDir(), "a", "flows")
		f := openFiles(c, dir, receiver.FileOptions{})
		store(c, f, "x", "1", "2")
		store(c, f, "y", "3")
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		store(c, f, "x", "4")
		c.Assert(f.Close(), qt.IsNil)
		names, lines := tree(c, dir)
		c.Check(names, qt.DeepEquals, []string{
			"x/2000-01-01.0001.ndjson.zst", "x/2000-01-02.ndjson", "y/2000-01-01.0001.ndjson.zst"})
		c.Check(lines, qt.DeepEquals, []string{"1", "2", "4", "3"})
		c.Check(f.Store(t.Context(), batch("x", "5")), qt.ErrorIs, receiver.ErrClosed)
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

func TestFilesAreForOneProcess(t *testing.T) {
	c := qt.New(t)
	dir := t.TempDir()
	f := openFiles(c, dir, receiver.FileOptions{})
	_, err := receiver.OpenFiles(dir, receiver.FileOptions{})
	c.Check(err, qt.ErrorIs, receiver.ErrLocked)
	c.Assert(f.Close(), qt.IsNil)
	c.Assert(openFiles(c, dir, receiver.FileOptions{}).Close(), qt.IsNil)
}

func TestFilesBoundCollections(t *testing.T) {
	c := qt.New(t)
	dir := t.TempDir()
	for range 2 { // the bound holds across a restart
		f := openFiles(c, dir, receiver.FileOptions{Collections: 2})
		store(c, f, "x", "1")
		store(c, f, "y", "1")
		c.Check(f.Store(t.Context(), batch("z", "1")), qt.ErrorIs, receiver.ErrCollections)
		for _, name := range []string{".", "..", "", "a/b", `a\b`, ".x"} {
			c.Check(f.Store(t.Context(), batch(name, "1")), qt.Not(qt.IsNil))
		}
		c.Assert(f.Close(), qt.IsNil)
	}
}

func TestFilesDoNotFollowLinksOutside(t *testing.T) {
	c := qt.New(t)
	dir, outside := t.TempDir(), t.TempDir()
	if err := os.Symlink(outside, filepath.Join(dir, "x")); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	f := openFiles(c, dir, receiver.FileOptions{})
	c.Check(f.Store(t.Context(), batch("x", "1")), qt.Not(qt.IsNil))
	c.Assert(f.Close(), qt.IsNil)
	names, _ := tree(c, outside)
	c.Check(names, qt.HasLen, 0)
}

func TestFilesKeepRoomFree(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("free space is not asked for here")
	}
	c := qt.New(t)
	f := openFiles(c, t.TempDir(), receiver.FileOptions{MinFree: 1 << 60})
	c.Check(f.Store(t.Context(), batch("x", "1")), qt.ErrorIs, receiver.ErrNoRoom)
	c.Check(f.Check(), qt.ErrorIs, receiver.ErrNoRoom)
	c.Assert(f.Close(), qt.IsNil)
}

func TestFilesStoreAllOfEveryOne(t *testing.T) {
	for _, sync := range []bool{false, true} {
		c := qt.New(t)
		dir := t.TempDir()
		f := openFiles(c, dir, receiver.FileOptions{RotateBytes: 2000, Sync: sync})
		storeConcurrently(c, f)
		c.Assert(f.Close(), qt.IsNil)
		_, lines := tree(c, dir)
		slices.Sort(lines)
		c.Check(lines, qt.HasLen, 8*50*2)
		c.Check(slices.Compact(lines), qt.HasLen, 8*50*2)
	}
}

func storeConcurrently(c *qt.C, f *receiver.Files) {
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for n := range 50 {
				err := f.Store(context.Background(), batch("x", fmt.Sprintf("%d-%03d-a", g, n), fmt.Sprintf("%d-%03d-b", g, n)))
				c.Check(err, qt.IsNil)
			}
		})
	}
	wg.Wait()
}

func TestFilesCloseTwice(t *testing.T) {
	c := qt.New(t)
	f := openFiles(c, t.TempDir(), receiver.FileOptions{})
	c.Check(f.Check(), qt.IsNil)
	c.Check(errors.Join(f.Close(), f.Close()), qt.IsNil)
	c.Check(f.Check(), qt.ErrorIs, receiver.ErrClosed)
}
