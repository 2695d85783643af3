// Package storetest has helpers for tests of receivers and file stores.
package storetest

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	qt "github.com/frankban/quicktest"
	"github.com/klauspost/compress/zstd"

	"github.com/go-netlog/netlog/logtail/receiver"
	"github.com/go-netlog/netlog/logtail/receiver/filestore"
)

// Open opens a store. If opts does not set MinFreeBytes, there is no such limit.
func Open(c *qt.C, dir string, opts filestore.Options) *filestore.Store {
	c.Helper()
	if opts.MinFreeBytes == 0 {
		opts.MinFreeBytes = -1
	}
	f, err := filestore.Open(dir, opts)
	c.Assert(err, qt.IsNil)
	return f
}

// Batch returns a batch of entries, received now.
func Batch(collection string, entries ...string) receiver.Batch {
	b := receiver.Batch{Collection: collection, Received: time.Now()}
	for _, e := range entries {
		b.Entries = append(b.Entries, []byte(e))
	}
	return b
}

// Store stores entries, which must succeed.
func Store(c *qt.C, f *filestore.Store, collection string, entries ...string) {
	c.Helper()
	c.Assert(f.Store(c.Context(), Batch(collection, entries...)), qt.IsNil)
}

// Tree returns the names and the lines of all files below dir. Each file must end with a line break.
func Tree(c *qt.C, dir string) (names, lines []string) {
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

// Compress returns s compressed with zstd.
func Compress(s string) string {
	z, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	defer z.Close()
	return string(z.EncodeAll([]byte(s), nil))
}

// Gzip returns s compressed with gzip.
func Gzip(s string) string {
	var b strings.Builder
	z := gzip.NewWriter(&b)
	if _, err := io.WriteString(z, s); err != nil {
		panic(err)
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return b.String()
}

// Entry returns an entry with the given process and number, and rest as further members.
func Entry(proc, seq int, rest string) string {
	return fmt.Sprintf(`{"logtail":{"client_time":"2026-11-22T10:00:00.5Z","proc_id":%d,"proc_seq":%d}%s}`, proc, seq, rest)
}
