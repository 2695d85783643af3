package receiver_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail/receiver"
)

// What stands in the way of the goroutine that tidies up is told once, and harms
// nothing that is stored.
func TestFilesThatCannotBeTidiedAreToldOnceAndStay(t *testing.T) {
	for _, test := range []struct{ name, blocker string }{
		{"rotation", day0 + ".0001.ndjson"},
		{"compression", day0 + ".0001.ndjson.zst.tmp"},
		{"the end of compression", day0 + ".0001.ndjson.zst"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				c := qt.New(t)
				var said []string
				f := openFiles(c, dir, receiver.FileOptions{Logf: func(f string, a ...any) { said = append(said, fmt.Sprintf(f, a...)) }})
				defer f.Close()
				blocker := filepath.Join(dir, "x", test.blocker)
				c.Assert(os.MkdirAll(filepath.Join(blocker, "full"), 0o700), qt.IsNil)
				store(c, f, "x", "1")
				time.Sleep(25 * time.Hour)
				synctest.Wait()
				c.Assert(said, qt.HasLen, 1)
				c.Check(said[0], qt.Contains, test.blocker)
				store(c, f, "x", "2")
				c.Assert(os.RemoveAll(blocker), qt.IsNil)
				time.Sleep(2 * time.Minute)
				synctest.Wait()
				c.Assert(f.Close(), qt.IsNil)
				c.Check(said, qt.HasLen, 1)
				names, lines := tree(c, dir)
				c.Check(names, qt.DeepEquals, []string{"x/" + day0 + ".0001.ndjson.zst", "x/2000-01-02.ndjson"})
				c.Check(lines, qt.DeepEquals, []string{"1", "2"})
			})
		})
	}
}
