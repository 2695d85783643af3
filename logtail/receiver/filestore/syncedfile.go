package filestore

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
)

// syncedFile is a file and the number of its bytes that are on disk.
type syncedFile struct {
	*os.File
	fsync func() error // File.Sync, except in tests

	// size is the number of bytes of complete batches. Bytes after them are the rest of a
	// failed write. The holder of dayFile.mu changes it.
	size atomic.Int64

	// mu guards the fields below. It is held during fsync. dayFile.mu is not, so that one
	// fsync serves all writes that wait for it.
	mu     sync.Mutex
	synced int64 // number of bytes on disk
	failed error // the first error of fsync
}

// newSyncedFile returns a syncedFile for a new file.
func newSyncedFile(file *os.File) *syncedFile {
	return &syncedFile{File: file, fsync: file.Sync}
}

// syncTo waits until the first end bytes are on disk.
//
// After an error the file is never synced again, and every later call for bytes that are not
// on disk returns that error. Linux reports only once that it could not write a page. It then
// marks the page as clean, and the next fsync succeeds.
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
