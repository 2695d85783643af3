package filestore_test

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail/receiver"
	"github.com/go-netlog/netlog/logtail/receiver/filestore"
	"github.com/go-netlog/netlog/logtail/receiver/internal/storetest"
)

func TestARemovedDirectoryGivesUpItsPlace(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a file that is open stays there")
	}
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		dir := t.TempDir()
		told := new(journal)
		f := storetest.Open(c, dir, filestore.Options{MaxCollections: 1, Logf: told.logf})
		storetest.Store(c, f, "x", "1")
		c.Assert(os.RemoveAll(filepath.Join(dir, "x")), qt.IsNil)
		time.Sleep(2 * time.Minute)
		storetest.Store(c, f, "y", "2")
		c.Check(f.Store(t.Context(), storetest.Batch("x", "3")), qt.ErrorIs, receiver.ErrCollections)
		c.Assert(f.Close(), qt.IsNil)
		names, _ := storetest.Tree(c, dir)
		c.Check(names, qt.DeepEquals, []string{"y/" + day0 + ".0001.ndjson"})
		c.Check(told.take(), qt.HasLen, 0)
	})
}

func TestACollectionThatCannotBeBegunTakesNoPlace(t *testing.T) {
	c := qt.New(t)
	dir := t.TempDir()
	c.Assert(os.WriteFile(filepath.Join(dir, "x"), []byte("mine"), 0o600), qt.IsNil)
	f := storetest.Open(c, dir, filestore.Options{MaxCollections: 1})
	c.Check(f.Store(t.Context(), storetest.Batch("x", "1")), qt.IsNotNil)
	storetest.Store(c, f, "y", "1")
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
	f := storetest.Open(c, t.TempDir(), filestore.Options{MaxCollections: 1, MinFreeBytes: 1 << 60})
	for _, name := range []string{"x", "y", "z"} {
		c.Check(f.Store(t.Context(), storetest.Batch(name, "1")), qt.ErrorIs, filestore.ErrNoRoom)
	}
	c.Assert(f.Close(), qt.IsNil)
}

// TestNoWriteMeetsALostPlace: one that was about to write when its collection lost its
// place asks for it again.
func TestNoWriteMeetsALostPlace(t *testing.T) {
	c := qt.New(t)
	dir := t.TempDir()
	c.Assert(os.WriteFile(filepath.Join(dir, "x"), nil, 0o600), qt.IsNil)
	f := storetest.Open(c, dir, filestore.Options{MaxCollections: 1})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 200 {
				err := f.Store(c.Context(), storetest.Batch("x", "1"))
				c.Check(err, qt.ErrorMatches, "filestore: .*x is not a directory")
			}
		})
	}
	all.Wait()
	c.Assert(f.Close(), qt.IsNil)
	c.Check(f.Store(c.Context(), storetest.Batch("x", "1")), qt.ErrorIs, filestore.ErrClosed)
}

// TestOneSpellingOfACollection: on a file system that takes no notice of case, two
// would write in one file, over each other.
func TestOneSpellingOfACollection(t *testing.T) {
	c := qt.New(t)
	dir := t.TempDir()
	var body string
	for range 2 { // it holds across a restart
		f := storetest.Open(c, dir, filestore.Options{})
		storetest.Store(c, f, "Audit", "1")
		for _, name := range []string{"audit", "AUDIT", "AudiT"} {
			c.Check(f.Store(t.Context(), storetest.Batch(name, "2")), qt.ErrorIs, receiver.ErrCollections)
		}
		w := httptest.NewRecorder()
		(&receiver.Handler{Sink: f}).ServeHTTP(w, httptest.NewRequest("POST", "/c/audit/"+strings.Repeat("0", 63)+"1", strings.NewReader("{}")))
		c.Check(w.Code, qt.Equals, 403)
		body = w.Body.String()
		c.Assert(f.Close(), qt.IsNil)
	}
	c.Check(body, qt.Contains, "in case only")
	names, lines := storetest.Tree(c, dir)
	c.Check(names, qt.HasLen, 2)
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
	f := storetest.Open(c, dir, filestore.Options{Logf: told.logf, MaxAge: -1})
	storetest.Store(c, f, "netlog", "1")
	c.Check(f.Store(t.Context(), storetest.Batch("NETLOG", "2")), qt.ErrorIs, receiver.ErrCollections)
	c.Assert(f.Close(), qt.IsNil)
	c.Check(told.take(), qt.DeepEquals, []string{
		"filestore: Netlog: nothing is added, it differs from netlog in case only",
		"filestore: NETLOG: nothing is added, it differs from netlog in case only",
	})
}
