package filestore

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	qt "github.com/frankban/quicktest"
)

// TestCompressAsReplacesNoFile checks that a file that another program creates during the compression is
// not overwritten.
func TestCompressAsReplacesNoFile(t *testing.T) {
	c := qt.New(t)
	dir := t.TempDir()
	f, err := Open(dir, Options{MinFreeBytes: -1})
	c.Assert(err, qt.IsNil)
	defer f.Close()
	c.Assert(os.Mkdir(filepath.Join(dir, "x"), 0o700), qt.IsNil)
	plain := stored{collection: "x", name: plainName("2026-11-22", 1)}
	final := compressedName(plain.path())
	for name, data := range map[string]string{plain.path(): "1\n", final: "other"} {
		c.Assert(os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600), qt.IsNil)
	}
	c.Check(f.compressAs(plain, final), qt.ErrorIs, fs.ErrExist)
	data, err := os.ReadFile(filepath.Join(dir, final))
	c.Assert(err, qt.IsNil)
	c.Check(string(data), qt.Equals, "other")
	_, err = os.Stat(filepath.Join(dir, "x", tempName(plain.name)))
	c.Check(err, qt.ErrorIs, fs.ErrNotExist)
}
