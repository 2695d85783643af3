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

func TestCollectionRemovedNotCounted(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("an open file cannot be removed here")
	}
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		dir := t.TempDir()
		log := new(storetest.Log)
		f := storetest.Open(c, dir, filestore.Options{MaxCollections: 1, Logf: log.Logf})
		storetest.Store(c, f, "x", "1")
		c.Assert(os.RemoveAll(filepath.Join(dir, "x")), qt.IsNil)
		time.Sleep(2 * time.Minute)
		storetest.Store(c, f, "y", "2")
		c.Check(f.Store(t.Context(), storetest.Batch("x", "3")), qt.ErrorIs, receiver.ErrCollections)
		c.Assert(f.Close(), qt.IsNil)
		names, _ := storetest.Tree(c, dir)
		c.Check(names, qt.DeepEquals, []string{"y/" + day0 + ".0001.ndjson"})
		c.Check(log.Take(), qt.HasLen, 0)
	})
}

func TestCollectionNotCreatedNotCounted(t *testing.T) {
	c := qt.New(t)
	dir := t.TempDir()
	c.Assert(os.WriteFile(filepath.Join(dir, "x"), []byte("mine"), 0o600), qt.IsNil)
	f := storetest.Open(c, dir, filestore.Options{MaxCollections: 1})
	c.Check(f.Store(t.Context(), storetest.Batch("x", "1")), qt.IsNotNil)
	storetest.Store(c, f, "y", "1")
	c.Assert(f.Close(), qt.IsNil)
	data, err := os.ReadFile(filepath.Join(dir, "x"))
	c.Assert(err, qt.IsNil)
	c.Check(string(data), qt.Equals, "mine", qt.Commentf("the foreign file remains"))
}

func TestCollectionWithoutSpaceNotCounted(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("MinFreeBytes is tested on Linux only")
	}
	c := qt.New(t)
	f := storetest.Open(c, t.TempDir(), filestore.Options{MaxCollections: 1, MinFreeBytes: 1 << 60})
	for _, name := range []string{"x", "y", "z"} {
		c.Check(f.Store(t.Context(), storetest.Batch(name, "1")), qt.ErrorIs, filestore.ErrNoRoom)
	}
	c.Assert(f.Close(), qt.IsNil)
}

// TestStoreRetriesForgottenCollection checks that a Store whose collection is forgotten by another one
// tries again, and does not return ErrClosed.
func TestStoreRetriesForgottenCollection(t *testing.T) {
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

// TestCollectionOneSpelling checks that names that differ only in case are refused. On a file system
// that ignores case, they would overwrite each other's files.
func TestCollectionOneSpelling(t *testing.T) {
	c := qt.New(t)
	dir := t.TempDir()
	var body string
	for range 2 { // also after a restart
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
	c.Check(body, qt.Contains, "only in case")
	names, lines := storetest.Tree(c, dir)
	c.Check(names, qt.HasLen, 2)
	c.Check(lines, qt.DeepEquals, []string{"1", "1"})
}

// TestOpenTwoSpellings opens a directory in which an earlier version made names that differ only in
// case.
func TestOpenTwoSpellings(t *testing.T) {
	c := qt.New(t)
	dir := t.TempDir()
	for _, name := range []string{"NETLOG", "netlog", "Netlog"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Skipf("the file system ignores case: %v", err)
		}
		c.Assert(os.WriteFile(filepath.Join(dir, name, "1999-12-31.0001.ndjson.zst"), nil, 0o600), qt.IsNil)
	}
	log := new(storetest.Log)
	f := storetest.Open(c, dir, filestore.Options{Logf: log.Logf, MaxAge: -1})
	storetest.Store(c, f, "netlog", "1")
	c.Check(f.Store(t.Context(), storetest.Batch("NETLOG", "2")), qt.ErrorIs, receiver.ErrCollections)
	c.Assert(f.Close(), qt.IsNil)
	c.Check(log.Take(), qt.DeepEquals, []string{
		"filestore: Netlog is no longer written: the name differs from netlog only in case",
		"filestore: NETLOG is no longer written: the name differs from netlog only in case",
	})
}
