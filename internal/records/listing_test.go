package records_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"
	"github.com/klauspost/compress/zstd"

	"github.com/go-netlog/netlog/internal/records"
)

// from returns a line with a record of a node.
func from(node string) string { return strings.Replace(one, "n1", node, 1) + "\n" }

// write writes a file.
func write(t *testing.T, dir, name, data string) {
	qt.Assert(t, os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600), qt.IsNil)
}

func move(t *testing.T, dir, from, to string) {
	qt.Assert(t, os.Rename(filepath.Join(dir, from), filepath.Join(dir, to)), qt.IsNil)
}

// compress replaces a file by a compressed one, as a collector does.
func compress(t *testing.T, dir, name string) {
	data, err := os.ReadFile(filepath.Join(dir, name))
	qt.Assert(t, err, qt.IsNil)
	enc, err := zstd.NewWriter(nil)
	qt.Assert(t, err, qt.IsNil)
	write(t, dir, name+".zst", string(enc.EncodeAll(data, nil)))
	qt.Assert(t, os.Remove(filepath.Join(dir, name)), qt.IsNil)
}

// readChanging reads the records in dir, and calls change after the first one.
func readChanging(dir string, change func()) (nodes, errs []string) {
	for rec, err := range (&records.Input{Paths: []string{dir}}).Records() {
		if err != nil {
			errs = append(errs, err.Error())
			continue
		}
		if nodes = append(nodes, rec.NodeID); len(nodes) == 1 {
			change()
		}
	}
	return nodes, errs
}

// TestInputRotated rotates the last file after the first record of another file was read. Every record
// that existed at the start must be read once.
func TestInputRotated(t *testing.T) {
	const day = "2026-11-24.ndjson"
	for _, test := range []struct {
		name   string
		rotate func(t *testing.T, dir string)
	}{
		{"renamed", func(t *testing.T, dir string) {
			move(t, dir, day, "2026-11-24.0002.ndjson")
		}},
		{"renamed, and the next one begun", func(t *testing.T, dir string) {
			move(t, dir, day, "2026-11-24.0002.ndjson")
			write(t, dir, day, from("next"))
		}},
		{"compressed, and the next one begun", func(t *testing.T, dir string) {
			move(t, dir, day, "2026-11-24.0002.ndjson")
			compress(t, dir, "2026-11-24.0002.ndjson")
			write(t, dir, day, from("next"))
		}},
		{"compressed, and the next one larger", func(t *testing.T, dir string) { // it may have the inode of the one before
			move(t, dir, day, "2026-11-24.0002.ndjson")
			compress(t, dir, "2026-11-24.0002.ndjson")
			write(t, dir, day, strings.Repeat(from("next"), 100))
		}},
		{"compressed at midnight", func(t *testing.T, dir string) {
			move(t, dir, day, "2026-11-24.0002.ndjson")
			compress(t, dir, "2026-11-24.0002.ndjson")
			write(t, dir, "2026-11-25.ndjson", from("next"))
		}},
		{"another one compressed", func(t *testing.T, dir string) {
			compress(t, dir, "2026-11-24.0001.ndjson")
		}},
		{"grown before it was renamed", func(t *testing.T, dir string) {
			write(t, dir, day, from("day")+from("more"))
			move(t, dir, day, "2026-11-24.0002.ndjson")
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "2026-11-23.0001.ndjson", from("past"))
			write(t, dir, "2026-11-24.0001.ndjson", from("first"))
			write(t, dir, day, from("day"))
			nodes, errs := readChanging(dir, func() { test.rotate(t, dir) })
			qt.Check(t, errs, qt.HasLen, 0)
			qt.Check(t, strings.TrimSuffix(strings.Join(nodes, " "), " more"), qt.Equals, "past first day")
		})
	}
}

// TestInputCompressed: for a moment, a collector has both a plain file and its compressed form.
func TestInputCompressed(t *testing.T) {
	dir := t.TempDir()
	at := time.Date(2026, 11, 24, 10, 0, 0, 5, time.UTC)
	for _, name := range []string{"2026-11-24.0001.ndjson", "2026-11-24.0002.ndjson"} {
		write(t, dir, name, from("plain"))
		compress(t, dir, name)
		write(t, dir, name, from("plain"))
	}
	set := func(name string, at time.Time) {
		qt.Assert(t, os.Chtimes(filepath.Join(dir, name), at, at), qt.IsNil)
	}
	set("2026-11-24.0001.ndjson", at)
	set("2026-11-24.0001.ndjson.zst", at)
	set("2026-11-24.0002.ndjson", at.Add(time.Second)) // was written to afterwards
	set("2026-11-24.0002.ndjson.zst", at)
	read := func(since time.Time) (files []string) {
		in := &records.Input{Paths: []string{dir}, Since: since}
		for rec, err := range in.Records() {
			qt.Check(t, err, qt.IsNil)
			files = append(files, filepath.Base(rec.Pos.File))
		}
		return files
	}
	qt.Check(t, read(time.Time{}), qt.DeepEquals, []string{"2026-11-24.0001.ndjson.zst", "2026-11-24.0002.ndjson", "2026-11-24.0002.ndjson.zst"})
	qt.Check(t, read(at.Add(1)), qt.DeepEquals, []string{"2026-11-24.0002.ndjson"})
}

// TestInputStdinBesideCompressed: the name of a file can make standard input look like a plain file.
func TestInputStdinBesideCompressed(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, ".", "-", from("file"))
	compress(t, ".", "-")
	in := &records.Input{Paths: []string{"-", "-.zst"}, Stdin: strings.NewReader(from("stdin"))}
	var files []string
	for rec, err := range in.Records() {
		qt.Check(t, err, qt.IsNil)
		files = append(files, rec.Pos.File)
	}
	qt.Check(t, files, qt.DeepEquals, []string{"", "-.zst"})
}

// TestInputReplaced replaces files that were not opened at the start. They must not be read, because
// a new file may contain records of another one, and each must be an error.
func TestInputReplaced(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.ndjson", from("a"))
	for i := range 2 {
		write(t, dir, fmt.Sprintf("b%d.ndjson", i), from("b"))
		compress(t, dir, fmt.Sprintf("b%d.ndjson", i))
	}
	nodes, errs := readChanging(dir, func() { move(t, dir, "b0.ndjson.zst", "b1.ndjson.zst") })
	qt.Check(t, nodes, qt.DeepEquals, []string{"a"})
	qt.Assert(t, errs, qt.HasLen, 2)
	qt.Check(t, errs[0], qt.Contains, "b0.ndjson.zst")
	qt.Check(t, errs[1], qt.Matches, ".*b1.ndjson.zst: another file than was listed.*")
}

// TestSnapshotAgain rotates a file between two listings, after which a snapshot must list again, and
// then before every listing, which must be an error.
func TestSnapshotAgain(t *testing.T) {
	const day = "2026-11-24.ndjson"
	dir := t.TempDir()
	rotate := func(n int) {
		move(t, dir, day, fmt.Sprintf("2026-11-24.%04d.ndjson", n))
		write(t, dir, day, from("next"))
	}
	write(t, dir, day, from("day"))
	names, errs := records.Snapshot(dir, func(n int) {
		if n == 2 {
			rotate(1)
		}
	})
	qt.Check(t, names, qt.DeepEquals, []string{"2026-11-24.0001.ndjson", day})
	qt.Check(t, errs, qt.HasLen, 0)

	_, errs = records.Snapshot(dir, func(n int) { rotate(n + 1) })
	qt.Assert(t, errs, qt.HasLen, 1)
	qt.Check(t, errs[0], qt.ErrorMatches, ".*files are created and removed.*")
}

// TestInputMaxHeld checks that the files that were changed last are held open, since the others are
// rarely written to. Replacing a file that is not held open is an error.
func TestInputMaxHeld(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.ndjson", from("a"))
	old := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	name := func(i int) string { return fmt.Sprintf("b%03d.ndjson", i) }
	for i := range 101 {
		write(t, dir, name(i), from("b"))
		qt.Assert(t, os.Chtimes(filepath.Join(dir, name(i)), old, old.Add(time.Duration(i)*time.Second)), qt.IsNil)
	}
	nodes, errs := readChanging(dir, func() {
		for _, i := range []int{1, 2, 100} {
			write(t, dir, fmt.Sprint("other", i), from("other"))
			move(t, dir, fmt.Sprint("other", i), name(i))
		}
	})
	qt.Check(t, nodes, qt.HasLen, 101)
	qt.Check(t, nodes, qt.Not(qt.Contains), "other")
	qt.Assert(t, errs, qt.HasLen, 1)
	qt.Check(t, errs[0], qt.Contains, "b001.ndjson: another file than was listed")
}
