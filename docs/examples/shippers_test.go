package examples_test

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"
)

// TestShippersBufferOnDisk checks that each file of Fluent Bit with a storage.path also turns storage on the disk on.
func TestShippersBufferOnDisk(t *testing.T) {
	files := 0
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() != "fluent-bit.yaml" {
			return err
		}
		files++
		text := readText(t, file)
		qt.Check(t, strings.Contains(text, "storage.path:"), qt.Equals, strings.Contains(text, "storage.type: filesystem"), qt.Commentf("%s", file))
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

// TestShippersDefineParsers checks that each parser that a file of Fluent Bit uses is defined in it: none is loaded by default.
func TestShippersDefineParsers(t *testing.T) {
	text := readText(t, "tail/fluent-bit.yaml")
	used := regexp.MustCompile(`(?m)^ +parser: (\w+)$`).FindAllStringSubmatch(text, -1)
	qt.Assert(t, used, qt.HasLen, 1)
	_, defined, _ := strings.Cut(text, "\nparsers:\n")
	defined, _, _ = strings.Cut(defined, "\n\n")
	qt.Check(t, defined, qt.Contains, "- name: "+used[0][1]+"\n")
}

// TestShippersReadFilesOnce checks that the patterns of the shippers match a file while it is written, and not its compressed
// form.
func TestShippersReadFilesOnce(t *testing.T) {
	for _, file := range []string{"tail/fluent-bit.yaml", "tail/vector.toml"} {
		pattern := regexp.MustCompile(`/var/lib/netlog/[^"\s]+`).FindString(readText(t, file))
		for name, want := range map[string]bool{
			"2026-11-23.0002.ndjson": true, "2026-11-23.ndjson": true, "2026-11-23.0001.ndjson.zst": false, "2026-11-23.0001.ndjson.zst.tmp": false,
		} {
			got, err := path.Match(pattern, "/var/lib/netlog/flows/netlog/"+name)
			qt.Assert(t, err, qt.IsNil)
			qt.Check(t, got, qt.Equals, want, qt.Commentf("%s: %s", file, name))
		}
	}
}

// TestVectorPassesLines checks that Vector sends lines as text: it would change large integers, and one member of another type could make
// ClickHouse refuse the entries of all nodes.
func TestVectorPassesLines(t *testing.T) {
	text := readText(t, "tail/vector.toml")
	qt.Check(t, text, qt.Contains, `source = ". = {\"entry\": string!(.message)}"`)
	qt.Check(t, text, qt.Contains, `table = "records"`)
	qt.Check(t, readText(t, "clickhouse/schema.sql"), qt.Contains, "netlog.records (entry String)")
}
