package filestore

import (
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail/receiver"
)

// withLeftFile calls do with a file of a past day, as a rotation leaves it whose rename
// failed, and with its path. A directory that was read within the write of its last line
// has it so.
func withLeftFile(t *testing.T, collection string, do func(c *qt.C, f *Store, s stored, path string)) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		f, err := Open(dir, Options{MinFree: -1})
		c.Assert(err, qt.IsNil)
		defer f.Close()
		b := receiver.Batch{Collection: collection, Received: time.Now(), Entries: [][]byte{[]byte("today")}}
		c.Assert(f.Store(c.Context(), b), qt.IsNil)
		synctest.Wait() // keep sleeps from here on
		s := stored{collection: collection, name: "1999-12-31.ndjson", day: "1999-12-31", size: int64(len("first\nla"))}
		path := filepath.Join(dir, collection, s.name)
		c.Assert(os.WriteFile(path, []byte("first\nlast\n"), 0o600), qt.IsNil)
		do(c, f, s, path)
	})
}

func TestALeftFileIsEndedWhateverTheCaseOfItsCollection(t *testing.T) {
	for _, collection := range []string{"x", "X"} {
		withLeftFile(t, collection, func(c *qt.C, f *Store, s stored, path string) {
			c.Check(f.endLeft(s), qt.IsNil)
			_, err := os.Lstat(path)
			c.Check(err, qt.ErrorIs, os.ErrNotExist, qt.Commentf("%s: left as it was", collection))
		})
	}
}

// What is torn is seen when nobody writes any more, not when the directory was read.
func TestALeftFileKeepsWhatWasWrittenSinceItWasSeen(t *testing.T) {
	withLeftFile(t, "x", func(c *qt.C, f *Store, s stored, path string) {
		c.Assert(f.cutTorn(s), qt.IsNil)
		data, err := os.ReadFile(path)
		c.Assert(err, qt.IsNil)
		c.Check(string(data), qt.Equals, "first\nlast\n")
	})
}

// Another write may have rotated it since.
func TestALeftFileThatHasGoneIsNoTrouble(t *testing.T) {
	withLeftFile(t, "x", func(c *qt.C, f *Store, s stored, path string) {
		c.Assert(os.Remove(path), qt.IsNil)
		c.Check(f.endLeft(s), qt.IsNil)
	})
}
