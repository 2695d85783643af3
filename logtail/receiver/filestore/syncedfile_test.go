package filestore

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail/receiver"
)

// TestSyncErrorReachesAllWaiters checks that all writes that wait for a failed fsync get its error, and
// that there is no second fsync, which could succeed although pages are lost.
func TestSyncErrorReachesAllWaiters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		dir := t.TempDir()
		f, err := Open(dir, Options{Sync: true, MinFreeBytes: -1})
		c.Assert(err, qt.IsNil)
		day := time.Now()
		store := func(entry string) error {
			return f.Store(t.Context(), receiver.Batch{Collection: "x", Received: day, Entries: [][]byte{[]byte(entry)}})
		}
		c.Assert(store("before"), qt.IsNil)
		f.mu.Lock()
		file := f.open["x"].file
		f.mu.Unlock()
		calls := 0
		file.fsync = func() error {
			if calls++; calls > 1 {
				return nil
			}
			for file.size.Load() < int64(len("before\na\nb\n")) { // until both are written
				runtime.Gosched()
			}
			return syscall.EIO
		}
		var both sync.WaitGroup
		for _, entry := range []string{"a", "b"} {
			both.Go(func() { c.Check(store(entry), qt.ErrorIs, syscall.EIO) })
		}
		both.Wait()
		c.Check(calls, qt.Equals, 1)
		c.Check(store("after"), qt.IsNil)
		c.Assert(f.Close(), qt.IsNil)
		data, err := os.ReadFile(filepath.Join(dir, "x", "2000-01-01.0002.ndjson"))
		c.Assert(err, qt.IsNil)
		c.Check(string(data), qt.Equals, "after\n", qt.Commentf("in another file"))
		finished, err := filepath.Glob(filepath.Join(dir, "x", "2000-01-01.0001.ndjson*"))
		c.Assert(err, qt.IsNil)
		c.Check(finished, qt.Not(qt.HasLen), 0)
	})
}

// TestSyncToAfterError checks that an error does not affect bytes that are already on disk.
func TestSyncToAfterError(t *testing.T) {
	c := qt.New(t)
	broken := errors.New("broken")
	var result error
	s := &syncedFile{fsync: func() error { return result }}
	s.size.Store(10)
	c.Check(s.syncTo(5), qt.IsNil)
	result = broken
	c.Check(s.syncTo(10), qt.IsNil, qt.Commentf("synced by the first call"))
	s.size.Store(20)
	c.Check(s.syncTo(15), qt.ErrorIs, broken)
	result = nil
	c.Check(s.syncTo(20), qt.ErrorIs, broken)
	c.Check(s.syncTo(10), qt.IsNil)
}

// TestCloseWaitsForClose checks that a second Close does not return while the first one writes to disk.
func TestCloseWaitsForClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		f, err := Open(t.TempDir(), Options{MinFreeBytes: -1})
		c.Assert(err, qt.IsNil)
		b := receiver.Batch{Collection: "x", Received: time.Now(), Entries: [][]byte{[]byte("1")}}
		c.Assert(f.Store(t.Context(), b), qt.IsNil)
		f.mu.Lock()
		file := f.open["x"].file
		f.mu.Unlock()
		file.fsync = func() error { time.Sleep(time.Second); return nil }
		begin := time.Now()
		first := make(chan error)
		go func() { first <- f.Close() }()
		synctest.Wait()
		c.Check(f.Close(), qt.IsNil)
		c.Check(time.Since(begin), qt.Equals, time.Second)
		c.Check(<-first, qt.IsNil)
	})
}
