package filestore_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail/receiver/filestore"
	"github.com/go-netlog/netlog/logtail/receiver/internal/storetest"
)

// A journal keeps the lines of a Logf.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) logf(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, fmt.Sprintf(format, args...))
}

// take returns what was logged since the last call.
func (j *journal) take() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	lines := j.lines
	j.lines = nil
	return lines
}

// TestEachRemovalIsTold, with its reason: a bound that was mistyped must show.
func TestEachRemovalIsTold(t *testing.T) {
	for _, test := range []struct {
		name string
		opts filestore.Options
		want string
	}{
		{"by age, in days", filestore.Options{MaxAge: 48 * time.Hour}, "older than 2 days"},
		{"by age, in hours", filestore.Options{MaxAge: time.Hour}, "older than 1h0m0s"},
		{"by size", filestore.Options{MaxBytes: 10}, "more than 10 bytes in all"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := qt.New(t)
				told := new(journal)
				test.opts.Logf = told.logf
				f := storetest.Open(c, t.TempDir(), test.opts)
				storetest.Store(c, f, "x", "1")
				time.Sleep(96 * time.Hour)
				c.Assert(f.Close(), qt.IsNil)
				c.Check(told.take(), qt.DeepEquals, []string{"filestore: removed x/" + day0 + ".0001.ndjson.zst: " + test.want})
			})
		})
	}
}

// TestTheSameTroubleOfManyCollectionsIsToldOnce, in whatever order they are looked at.
func TestTheSameTroubleOfManyCollectionsIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		dir := t.TempDir()
		told := new(journal)
		f := storetest.Open(c, dir, filestore.Options{Logf: told.logf})
		for n := range 4 {
			name := fmt.Sprint("x", n)
			storetest.Store(c, f, name, "1")
			c.Assert(os.MkdirAll(filepath.Join(dir, name, day0+".0001.tmp", "full"), 0o700), qt.IsNil)
		}
		time.Sleep(25 * time.Hour)
		c.Assert(f.Close(), qt.IsNil)
		lines := told.take()
		c.Assert(lines, qt.HasLen, 1)
		c.Check(strings.Count(lines[0], "compress "), qt.Equals, 4)
	})
}
