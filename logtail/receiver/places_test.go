package receiver_test

import (
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail/receiver"
)

func TestARemovedDirectoryGivesUpItsPlace(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a file that is open stays there")
	}
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		dir := t.TempDir()
		told := new(journal)
		f := openFiles(c, dir, receiver.FileOptions{Collections: 1, Logf: told.logf})
		store(c, f, "x", "1")
		c.Assert(os.RemoveAll(filepath.Join(dir, "x")), qt.IsNil)
		time.Sleep(2 * time.Minute)
		store(c, f, "y", "2")
		c.Check(f.Store(t.Context(), batch("x", "3")), qt.ErrorIs, receiver.ErrCollections)
		c.Assert(f.Close(), qt.IsNil)
		names, _ := tree(c, dir)
		c.Check(names, qt.DeepEquals, []string{"y/" + day0 + ".ndjson"})
		c.Check(told.take(), qt.HasLen, 0)
	})
}

func TestACollectionThatCannotBeBegunTakesNoPlace(t *testing.T) {
	c := qt.New(t)
	dir := t.TempDir()
	c.Assert(os.WriteFile(filepath.Join(dir, "x"), []byte("mine"), 0o600), qt.IsNil)
	f := openFiles(c, dir, receiver.FileOptions{Collections: 1})
	c.Check(f.Store(t.Context(), batch("x", "1")), qt.IsNotNil)
	store(c, f, "y", "1")
	c.Assert(f.Close(), qt.IsNil)
	data, err := os.ReadFile(filepath.Join(dir, "x"))
	c.Assert(err, qt.IsNil)
	c.Check(string(data), qt.Equals, "mine", qt.Commentf("what was in its way stays"))
}

func TestACollectionThatHasNoRoomTakesNoPlace(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("free space is not asked for here")
	}
	c := qt.New(t)
	f := openFiles(c, t.TempDir(), receiver.FileOptions{Collections: 1, MinFree: 1 << 60})
	for _, name := range []string{"x", "y", "z"} {
		c.Check(f.Store(t.Context(), batch(name, "1")), qt.ErrorIs, receiver.ErrNoRoom)
	}
	c.Assert(f.Close(), qt.IsNil)
}

// TestNoWriteMeetsALostPlace: one that was about to write when its collection lost its
// place asks for it again.
func TestNoWriteMeetsALostPlace(t *testing.T) {
	c := qt.New(t)
	dir := t.TempDir()
	c.Assert(os.WriteFile(filepath.Join(dir, "x"), nil, 0o600), qt.IsNil)
	f := openFiles(c, dir, receiver.FileOptions{Collections: 1})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 200 {
				err := f.Store(c.Context(), batch("x", "1"))
				c.Check(err, qt.ErrorMatches, "receiver: .*x is not a directory")
			}
		})
	}
	all.Wait()
	c.Assert(f.Close(), qt.IsNil)
	c.Check(f.Store(c.Context(), batch("x", "1")), qt.ErrorIs, receiver.ErrClosed)
}

// TestOneSpellingOfACollection: on a file system that takes no notice of case, two
// would write in one file, over each other.
func TestOneSpellingOfACollection(t *testing.T) {
	c := qt.New(t)
	dir := t.TempDir()
	var body string
	for range 2 { // it holds across a restart
		f := openFiles(c, dir, receiver.FileOptions{})
		store(c, f, "Audit", "1")
		for _, name := range []string{"audit", "AUDIT", "AudiT"} {
			c.Check(f.Store(t.Context(), batch(name, "2")), qt.ErrorIs, receiver.ErrCollections)
		}
		_, id := testID(1)
		w := postTo(&receiver.Handler{Sink: f}, "/c/audit/"+id, "{}")
		c.Check(w.Code, qt.Equals, 403)
		body = w.Body.String()
		c.Assert(f.Close(), qt.IsNil)
	}
	c.Check(body, qt.Contains, "in case only")
	names, lines := tree(c, dir)
	c.Check(names, qt.HasLen, 1)
	c.Check(lines, qt.DeepEquals, []string{"1", "1"})
}

// TestOfTwoSpellingsTheLowerCaseGoesOn, where an older version made both.
func TestOfTwoSpellingsTheLowerCaseGoesOn(t *testing.T) {
	c := qt.New(t)
	dir := t.TempDir()
	for _, name := range []string{"NETLOG", "netlog", "Netlog"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Skipf("names that differ in case only are one here: %v", err)
		}
		c.Assert(os.WriteFile(filepath.Join(dir, name, "1999-12-31.0001.ndjson.zst"), nil, 0o600), qt.IsNil)
	}
	told := new(journal)
	f := openFiles(c, dir, receiver.FileOptions{Logf: told.logf, MaxAge: -1})
	store(c, f, "netlog", "1")
	c.Check(f.Store(t.Context(), batch("NETLOG", "2")), qt.ErrorIs, receiver.ErrCollections)
	c.Assert(f.Close(), qt.IsNil)
	c.Check(told.take(), qt.DeepEquals, []string{
		"receiver: Netlog: nothing is added, it differs from netlog in case only",
		"receiver: NETLOG: nothing is added, it differs from netlog in case only",
	})
}
