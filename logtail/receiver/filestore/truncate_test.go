package filestore_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail/receiver/filestore"
	"github.com/go-netlog/netlog/logtail/receiver/internal/storetest"
)

// TestStoreAfterOtherProgram changes a file while it is written. The next entry must be on a line of its
// own, with nothing else in the file but complete lines.
func TestStoreAfterOtherProgram(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(path string) error
		want   []string
	}{
		{"emptied", func(path string) error { return os.Truncate(path, 0) }, []string{"3", "4"}},
		{"cut at a line", func(path string) error { return os.Truncate(path, 2) }, []string{"1", "3", "4"}},
		{"cut in a line", func(path string) error { return os.Truncate(path, 3) }, []string{"1", "3", "4"}},
		{"a line appended", func(path string) error { return appendTo(path, "x\n") }, []string{"1", "22", "x", "3", "4"}},
		{"a part of a line appended", func(path string) error { return appendTo(path, "x\ny") }, []string{"1", "22", "x", "3", "4"}},
		{"extended by a hole", func(path string) error { return os.Truncate(path, 1<<20) }, []string{"1", "22", "3", "4"}},
	} {
		for _, sync := range []bool{false, true} {
			t.Run(test.name, func(t *testing.T) {
				c := qt.New(t)
				dir := t.TempDir()
				f := storetest.Open(c, dir, filestore.Options{Sync: sync})
				storetest.Store(c, f, "x", "1", "22")
				paths, err := filepath.Glob(filepath.Join(dir, "x", "*"))
				c.Assert(err, qt.IsNil)
				c.Assert(test.change(paths[0]), qt.IsNil)
				storetest.Store(c, f, "x", "3")
				storetest.Store(c, f, "x", "4")
				data, err := os.ReadFile(paths[0])
				c.Assert(err, qt.IsNil)
				c.Check(string(data), qt.Equals, strings.Join(test.want, "\n")+"\n")
				c.Assert(f.Close(), qt.IsNil)
			})
		}
	}
}

func appendTo(path, s string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = file.WriteString(s)
	return err
}

// TestStoreWhileEmptied empties a file at any time between and during writes, as copytruncate of
// logrotate does.
func TestStoreWhileEmptied(t *testing.T) {
	c := qt.New(t)
	dir := t.TempDir()
	f := storetest.Open(c, dir, filestore.Options{})
	storetest.Store(c, f, "x", "first")
	paths, err := filepath.Glob(filepath.Join(dir, "x", "*"))
	c.Assert(err, qt.IsNil)
	ctx, stop := context.WithCancel(t.Context())
	var truncate sync.WaitGroup
	truncate.Go(func() {
		for ctx.Err() == nil {
			os.Truncate(paths[0], 0)
		}
	})
	defer truncate.Wait()
	defer stop()
	for n := range 5000 {
		storetest.Store(c, f, "x", fmt.Sprintf("%d-%s", n, strings.Repeat("x", n%300)))
		if n%100 == 0 {
			data, err := os.ReadFile(paths[0])
			c.Assert(err, qt.IsNil)
			c.Assert(bytes.IndexByte(data, 0), qt.Equals, -1)
		}
	}
	stop()
	truncate.Wait()
	storetest.Store(c, f, "x", "last")
	c.Assert(f.Close(), qt.IsNil)
	_, lines := storetest.Tree(c, dir)
	c.Check(lines[len(lines)-1], qt.Equals, "last")
	for _, line := range lines {
		c.Check(strings.Trim(line, "x"), qt.Matches, `\d+-|last`)
	}
}
