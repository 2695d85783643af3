package filestore

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail/receiver"
)

// TestAFailedFsyncIsThatOfAllWhoWaitedForIt: the next one would succeed, and say
// nothing of the pages that the first one has lost.
func TestAFailedFsyncIsThatOfAllWhoWaitedForIt(t *testing.T) {
	c := qt.New(t)
	dir := t.TempDir()
	f, err := Open(dir, Options{Sync: true, MinFreeBytes: -1})
	c.Assert(err, qt.IsNil)
	day := time.Date(2999, 1, 1, 0, 0, 0, 0, time.UTC) // never over
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
	data, err := os.ReadFile(filepath.Join(dir, "x", "2999-01-01.0002.ndjson"))
	c.Assert(err, qt.IsNil)
	c.Check(string(data), qt.Equals, "after\n", qt.Commentf("in a file of its own"))
	ended, err := filepath.Glob(filepath.Join(dir, "x", "2999-01-01.0001.ndjson*"))
	c.Assert(err, qt.IsNil)
	c.Check(strings.Join(ended, " "), qt.Contains, "0001")
}

// TestWhatWasOnDiskStaysAcknowledged: an error tells nothing of the bytes before.
func TestWhatWasOnDiskStaysAcknowledged(t *testing.T) {
	c := qt.New(t)
	broken := errors.New("broken")
	var result error
	s := &syncedFile{fsync: func() error { return result }}
	s.size.Store(10)
	c.Check(s.syncTo(5), qt.IsNil)
	result = broken
	c.Check(s.syncTo(10), qt.IsNil, qt.Commentf("the first one did that too"))
	s.size.Store(20)
	c.Check(s.syncTo(15), qt.ErrorIs, broken)
	result = nil
	c.Check(s.syncTo(20), qt.ErrorIs, broken)
	c.Check(s.syncTo(10), qt.IsNil)
}
