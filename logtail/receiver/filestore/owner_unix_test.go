//go:build unix

package filestore_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail/receiver/filestore"
	"github.com/go-netlog/netlog/logtail/receiver/internal/storetest"
)

// today is the first file of the day in a bubble.
const today = day0 + ".0001.ndjson"

// TestOpenDirectoryWritableByOthers checks that such a directory is refused. Other users could create
// the next file in it.
func TestOpenDirectoryWritableByOthers(t *testing.T) {
	c := qt.New(t)
	opts := filestore.Options{MinFreeBytes: -1}
	for _, name := range []string{"flows", "flows/netlog"} {
		byGroup := ".*can be written by its group.*; use a directory in it that does not exist yet"
		if name != "flows" {
			byGroup = "" // its group loses the right
		}
		for mode, want := range map[os.FileMode]string{
			0o777:                 ".*can be written by everyone.*",
			0o777 | os.ModeSticky: ".*can be written by everyone.*",
			0o770:                 byGroup,
			0o755:                 "",
			0o750:                 "",
		} {
			dir := filepath.Join(t.TempDir(), "flows")
			c.Assert(os.MkdirAll(filepath.Join(dir, "netlog"), 0o700), qt.IsNil)
			c.Assert(os.Chmod(filepath.Join(filepath.Dir(dir), name), mode), qt.IsNil)
			f, err := filestore.Open(dir, opts)
			if want != "" {
				c.Check(err, qt.ErrorMatches, "filestore: .*"+name+want, qt.Commentf("%s %v", name, mode))
				continue
			}
			c.Assert(err, qt.IsNil)
			c.Assert(f.Close(), qt.IsNil)
		}
	}
}

// TestStoreSkipsForeignFile checks that a new file does not get the number of a foreign one.
func TestStoreSkipsForeignFile(t *testing.T) {
	for name, put := range map[string]func(path string) error{
		"that everyone can write": func(path string) error {
			return os.WriteFile(path, nil, 0o600)
		},
		"that is a link": func(path string) error {
			target := filepath.Join(filepath.Dir(path), "other")
			return os.Symlink(filepath.Base(target), path)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := qt.New(t)
				dir := t.TempDir()
				f := storetest.Open(c, dir, filestore.Options{})
				storetest.Store(c, f, "x", "1")
				path := filepath.Join(dir, "y", today)
				c.Assert(os.MkdirAll(filepath.Dir(path), 0o700), qt.IsNil)
				c.Assert(put(path), qt.IsNil)
				if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() {
					c.Assert(os.Chmod(path, 0o666), qt.IsNil)
				}
				storetest.Store(c, f, "y", "1")
				c.Assert(f.Close(), qt.IsNil)
				data, err := os.ReadFile(strings.Replace(path, ".0001.", ".0002.", 1))
				c.Check(err, qt.IsNil)
				c.Check(string(data), qt.Equals, "1\n")
				_, err = os.Stat(filepath.Join(dir, "y", "other"))
				c.Check(os.IsNotExist(err), qt.IsTrue)
			})
		})
	}
}

// TestOpenDirectoryOfAnotherUser checks that even root does not write into files and directories of
// other users.
func TestOpenDirectoryOfAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	for _, name := range []string{".", "netlog", "netlog/" + today} {
		synctest.Test(t, func(t *testing.T) {
			c := qt.New(t)
			dir := t.TempDir()
			f := storetest.Open(c, dir, filestore.Options{})
			storetest.Store(c, f, "netlog", "1")
			c.Assert(f.Close(), qt.IsNil)
			c.Assert(os.Chown(filepath.Join(dir, name), 65534, 65534), qt.IsNil)
			_, err := filestore.Open(dir, filestore.Options{MinFreeBytes: -1})
			c.Check(err, qt.ErrorMatches, "filestore: .* belongs to user 65534, .*", qt.Commentf("%s", name))
		})
	}
}

// TestOpenAfterKubernetesMount makes a store writable for its group, as Kubernetes does at each mount of a
// volume. The group of a directory that a Store has created loses the right to write.
func TestOpenAfterKubernetesMount(t *testing.T) {
	c := qt.New(t)
	volume := t.TempDir()
	c.Assert(os.Chmod(volume, 0o775|os.ModeSetgid), qt.IsNil)
	_, err := filestore.Open(volume, filestore.Options{MinFreeBytes: -1})
	c.Assert(err, qt.ErrorMatches, "filestore: .* can be written by its group .*; use a directory in it that does not exist yet")
	dir := filepath.Join(volume, "flows")
	for _, entry := range []string{"1", "2", "3"} {
		f := storetest.Open(c, dir, filestore.Options{})
		storetest.Store(c, f, "x", entry)
		c.Assert(f.Close(), qt.IsNil)
		c.Assert(filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
			c.Assert(err, qt.IsNil)
			info, err := e.Info()
			c.Assert(err, qt.IsNil)
			mode := os.FileMode(0o660)
			if e.IsDir() {
				c.Check(info.Mode()&0o022, qt.Equals, os.FileMode(0), qt.Commentf("%s", path))
				mode = 0o770 | os.ModeSetgid
			}
			return os.Chmod(path, mode)
		}), qt.IsNil)
	}
	_, lines := storetest.Tree(c, dir)
	c.Check(lines, qt.DeepEquals, []string{"1", "2", "3"})
}
