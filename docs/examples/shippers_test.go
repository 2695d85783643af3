package examples_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"
)

// TestShippersBufferOnDisk checks that each file with a storage.path also turns storage on the disk on.
func TestShippersBufferOnDisk(t *testing.T) {
	files := 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".yaml" {
			return err
		}
		files++
		text := readText(t, path)
		qt.Check(t, strings.Contains(text, "storage.path:"), qt.Equals, strings.Contains(text, "storage.type: filesystem"), qt.Commentf("%s", path))
		return nil
	})
	qt.Assert(t, err, qt.IsNil)
	qt.Check(t, files, qt.Equals, 2)
	qt.Check(t, readText(t, "tail/vector.toml"), qt.Contains, "type = \"disk\"")
}

// TestFluentBitStoresNoTag checks that the tag of Fluent Bit, which ends with the private ID, is not
// stored.
func TestFluentBitStoresNoTag(t *testing.T) {
	files, err := os.ReadDir("fluent-bit")
	qt.Assert(t, err, qt.IsNil)
	for _, f := range files {
		text := readText(t, filepath.Join("fluent-bit", f.Name()))
		qt.Check(t, strings.Contains(text, "lua") || strings.Contains(text, "tag_key:"), qt.IsFalse, qt.Commentf("%s", f.Name()))
	}
}
