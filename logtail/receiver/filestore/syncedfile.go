package filestore

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
)

// syncedFile is a file that remembers how much of it is on disk.
type syncedFile struct {
	*os.File
	fsync func() error // File.Sync, except in tests

	// size is the number of bytes of the complete batches. Bytes after them are torn. It
	// changes while the mu of the dayFile is held.
	size atomic.Int64

	// mu is held during fsync, but the mu of the dayFile is not, so that one fsync serves all
	// writes that wait for it.
	mu     sync.Mutex
	synced int64 // number of bytes on disk
	failed error // the error of an fsync
}

// newSyncedFile returns a syncedFile for a new file.
func newSyncedFile(file *os.File) *syncedFile {
	return &syncedFile{File: file, fsync: file.Sync}
}

// syncTo waits until the first end bytes are on disk.
//
// After an error the file is never synced again, and every later call for bytes that are not
// on disk returns that error: Linux reports a page that it could not write only once, marks
// it clean, and lets the next fsync succeed.
func (s *syncedFile) syncTo(end int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.synced >= end:
		return nil
	case s.failed != nil:
		return s.failed
	}
	through := s.size.Load()
	if err := s.fsync(); err != nil {
		s.failed = fmt.Errorf("fsync: %w", err)
		return s.failed
	}
	s.synced = through
	return nil
}
