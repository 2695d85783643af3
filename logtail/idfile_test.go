package logtail

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	qt "github.com/frankban/quicktest"
)

func TestLoadOrCreatePrivateIDWithoutHardLinks(t *testing.T) {
	c := qt.New(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "id")
	unable := func(from, to string) error {
		return &os.LinkError{Op: "link", Old: from, New: to, Err: errors.ErrUnsupported}
	}
	first := NewPrivateID()
	c.Assert(createPrivateID(path, &first, unable), qt.IsNil)
	c.Check(createPrivateID(path, new(NewPrivateID()), unable), qt.ErrorIs, fs.ErrExist)
	got, err := LoadOrCreatePrivateID(path)
	c.Assert(err, qt.IsNil)
	c.Check(got, qt.Equals, first)
	files, err := os.ReadDir(dir)
	c.Assert(err, qt.IsNil)
	c.Check(files, qt.HasLen, 1)
}
