package filestore

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
)

// A syncedFile is a file, and what is known to be on disk of it.
type syncedFile struct {
	*os.File
	fsync func() error // that of File, but in a test

	// size is how many bytes the whole batches in it have; what is beyond them is
	// torn. It changes under the mu of the dayFile.
	size atomic.Int64

	// mu is held over fsync. It is taken with that of the dayFile free, so that one
	// fsync serves all writes that waited for it.
	mu     sync.Mutex
	synced int64 // bytes that are on disk
	failed error // of an fsync
}

// newSyncedFile returns file, of whose size bytes nothing is known.
func newSyncedFile(file *os.File, size int64) *syncedFile {
	s := &syncedFile{File: file, fsync: file.Sync}
	s.size.Store(size)
	return s
}

// syncTo returns when the first end bytes are on disk.
//
// After an error the file is never synced again, and the error is that of all whose
// bytes were not on disk before: Linux tells of pages that it could not write once,
// takes them for clean, and calls the next fsync a success.
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
