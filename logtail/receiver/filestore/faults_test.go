package filestore_test

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail/receiver/filestore"
	"github.com/go-netlog/netlog/logtail/receiver/internal/storetest"
)

func TestOpenErrorNamesPath(t *testing.T) {
	for _, test := range []struct {
		name    string
		blocker string // a directory that is not empty if it ends in a slash, or else a file
		dir     string // for Open
	}{
		{"a file where the directory should be", "flows", "flows"},
		{"a file above the directory", "a", "a/flows"},
		{"a directory where the lock should be", "flows/.lock/", "flows"},
		{"a directory that repair should remove", "flows/x/1999-12-31.0001.tmp/", "flows"},
		{"a directory with the name of an earlier version", "flows/x/1999-12-31.0001.ndjson.zst.tmp/", "flows"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := qt.New(t)
			root := t.TempDir()
			blocker, isDir := strings.CutSuffix(test.blocker, "/")
			file := blocker
			if isDir {
				file += "/file"
			}
			c.Assert(os.MkdirAll(filepath.Join(root, filepath.Dir(file)), 0o700), qt.IsNil)
			c.Assert(os.WriteFile(filepath.Join(root, file), nil, 0o600), qt.IsNil)
			_, err := filestore.Open(filepath.Join(root, test.dir), filestore.Options{})
			c.Assert(err, qt.ErrorMatches, "filestore: .*"+filepath.Base(blocker)+".*")
			c.Check(err, qt.Not(qt.ErrorIs), filestore.ErrLocked)
			c.Assert(os.RemoveAll(filepath.Join(root, blocker)), qt.IsNil)
			c.Assert(storetest.Open(c, filepath.Join(root, test.dir), filestore.Options{}).Close(), qt.IsNil)
		})
	}
}

// TestCompressErrorLoggedOnce checks that an error of compression is logged once, and that no entry is
// lost.
func TestCompressErrorLoggedOnce(t *testing.T) {
	for _, test := range []struct{ name, blocker string }{
		{"compression", day0 + ".0001.tmp"},
		{"the end of compression", day0 + ".0001.ndjson.zst"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				c := qt.New(t)
				log := new(storetest.Log)
				f := storetest.Open(c, dir, filestore.Options{Logf: log.Logf})
				defer f.Close()
				blocker := filepath.Join(dir, "x", test.blocker)
				storetest.Store(c, f, "x", "1")
				c.Assert(os.MkdirAll(filepath.Join(blocker, "full"), 0o700), qt.IsNil)
				time.Sleep(25 * time.Hour)
				synctest.Wait()
				logged := log.Take()
				c.Assert(logged, qt.HasLen, 1)
				c.Check(logged[0], qt.Contains, test.blocker)
				storetest.Store(c, f, "x", "2")
				c.Assert(os.RemoveAll(blocker), qt.IsNil)
				time.Sleep(2 * time.Minute)
				synctest.Wait()
				c.Assert(f.Close(), qt.IsNil)
				c.Check(log.Take(), qt.HasLen, 0)
				names, lines := storetest.Tree(c, dir)
				c.Check(names, qt.DeepEquals, []string{"x/" + day0 + ".0001.ndjson.zst", "x/2000-01-02.0001.ndjson"})
				c.Check(lines, qt.DeepEquals, []string{"1", "2"})
			})
		})
	}
}

// TestCheckRemovedDirectory checks that Store creates a removed collection again, but not a removed
// root, because the lock was removed with it.
func TestCheckRemovedDirectory(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("an open file cannot be removed here")
	}
	c := qt.New(t)
	dir := filepath.Join(t.TempDir(), "flows")
	f := storetest.Open(c, dir, filestore.Options{})
	storetest.Store(c, f, "x", "1")
	c.Assert(os.RemoveAll(filepath.Join(dir, "x")), qt.IsNil)
	c.Check(f.Check(), qt.IsNil)
	storetest.Store(c, f, "x", "2")
	c.Assert(os.RemoveAll(dir), qt.IsNil)
	for range 2 {
		c.Check(f.Store(t.Context(), storetest.Batch("x", "3")), qt.IsNotNil)
		c.Check(f.Check(), qt.ErrorMatches, "filestore: .*flows was removed.*")
		c.Assert(os.MkdirAll(dir, 0o700), qt.IsNil) // a new directory does not help
	}
	c.Assert(f.Close(), qt.IsNil)
	g := storetest.Open(c, dir, filestore.Options{})
	storetest.Store(c, g, "x", "3")
	c.Check(g.Check(), qt.IsNil)
	c.Assert(g.Close(), qt.IsNil)
}

func TestStoreCanceledContext(t *testing.T) {
	c := qt.New(t)
	dir := t.TempDir()
	f := storetest.Open(c, dir, filestore.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c.Check(f.Store(ctx, storetest.Batch("x", "1")), qt.ErrorIs, context.Canceled)
	c.Assert(f.Close(), qt.IsNil)
	names, _ := storetest.Tree(c, dir)
	c.Check(names, qt.HasLen, 0)
}

func TestForeignDirectoryStays(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		f := storetest.Open(c, dir, filestore.Options{})
		c.Assert(os.Mkdir(filepath.Join(dir, "backup"), 0o700), qt.IsNil)
		time.Sleep(time.Hour)
		synctest.Wait()
		c.Assert(f.Close(), qt.IsNil)
		_, err := os.Stat(filepath.Join(dir, "backup"))
		c.Check(err, qt.IsNil)
	})
}
