// Package filestore keeps the entries of a receiver in files by collection and day.
package filestore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/go-netlog/netlog/internal/collection"
	"github.com/go-netlog/netlog/internal/owndir"
	"github.com/go-netlog/netlog/logtail/receiver"
)

var (
	// ErrLocked is returned by Open if another process uses the directory.
	ErrLocked = errors.New("filestore: the directory is used by another process")
	// ErrNoRoom is returned if the filesystem has less free space than MinFreeBytes.
	ErrNoRoom = errors.New("filestore: too little free space")
	// ErrClosed is returned by the methods of a closed Store.
	ErrClosed = errors.New("filestore: closed")
)

// Store is a [receiver.Sink] that keeps entries in files of lines (NDJSON), by collection
// and by the UTC day of receipt:
//
//	flows/
//	  .lock
//	  netlog/
//	    2026-11-22.0001.ndjson.zst   finished: the day has ended, or the file is full
//	    2026-11-23.0001.ndjson.zst
//	    2026-11-23.0002.ndjson       being written
//
// The names sort by time. A file gets its number when it is created. It is never renamed, and
// never written again once it is finished. It is only replaced by its compressed form, which
// has the same number. A Store begins new files, with numbers above those in the directory.
// Files have mode 0600 and directories 0700.
//
// Store returns nil after write(2): the batch survives a crash of the process and, with Sync,
// of the system. A batch is stored as a whole or not at all, unless the process is killed during
// its write. Then some of its entries may be stored without an acknowledgement.
//
// All methods are safe for concurrent use. One goroutine compresses and removes files. It
// runs from Open to Close.
type Store struct {
	// The fields below are immutable after Open.
	opts Options
	root *os.Root
	lock *os.File
	kick chan struct{} // wakes maintain
	quit chan struct{} // ends maintain
	done chan struct{} // closed when maintain has ended

	// conflicts has the paths of plain files whose compressed form has different content. It
	// is owned by Open, and then by maintain.
	conflicts map[string]bool

	// mu guards the fields below.
	mu     sync.Mutex
	open   map[string]*dayFile // by foldName of the collection
	closed bool
	grown  int64 // bytes written since maintain last added up the sizes
	total  int64 // bytes of all files at that time
}

// Open creates dir if it does not exist, locks it, repairs what a killed process left
// behind, and starts the goroutine that enforces the bounds. Open and Store fail if a user
// other than root and the user of this process owns, or may write, the directory, a collection
// or a file to be written.
func Open(dir string, opts Options) (*Store, error) {
	f := &Store{
		opts: opts.withDefaults(),
		kick: make(chan struct{}, 1),
		quit: make(chan struct{}),
		done: make(chan struct{}),
		open: make(map[string]*dayFile),

		conflicts: make(map[string]bool),
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("filestore: %w", err)
	}
	var err error
	if f.root, err = os.OpenRoot(dir); err != nil {
		return nil, fmt.Errorf("filestore: %w", err)
	}
	if err := owndir.CheckDir(f.root, "."); err != nil {
		f.root.Close()
		return nil, fmt.Errorf("filestore: %w", err)
	}
	if f.lock, err = lockDir(f.root); err != nil {
		f.root.Close()
		return nil, err
	}
	if err := f.repair(); err != nil {
		f.lock.Close()
		f.root.Close()
		return nil, fmt.Errorf("filestore: %w", err)
	}
	go f.maintain()
	f.wake()
	return f, nil
}

// Store implements [receiver.Sink]. It fails, and stores nothing, if there is less free space
// than MinFreeBytes, if there would be too many collections, or if the filesystem fails.
func (f *Store) Store(ctx context.Context, b receiver.Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := collection.Check(b.Collection); err != nil {
		return fmt.Errorf("filestore: collection %q: %w", b.Collection, err)
	}
	w, err := f.write(b)
	f.mu.Lock()
	f.grown += w.bytes
	full := f.opts.MaxBytes > 0 && f.total+f.grown > f.opts.MaxBytes
	f.mu.Unlock()
	if w.finished || full {
		f.wake()
	}
	return err
}

// write appends b to the file of its collection.
func (f *Store) write(b receiver.Batch) (written, error) {
	for {
		d, err := f.dayFile(b.Collection)
		if err != nil {
			return written{}, err
		}
		w, err := d.write(f, b)
		if err == ErrClosed {
			continue // f was closed, or d was just forgotten; dayFile finds out which
		}
		if err != nil {
			f.forget(d) // a file that cannot be created must not count as a collection
		}
		return w, err
	}
}

// Check returns an error if Store would fail now: ErrNoRoom, ErrClosed, or an error that says that
// the directory was removed.
func (f *Store) Check() error {
	f.mu.Lock()
	closed := f.closed
	f.mu.Unlock()
	if closed {
		return ErrClosed
	}
	if err := f.checkDir(); err != nil {
		return err
	}
	return f.checkRoom()
}

// checkDir returns an error if the directory was removed. Even if there is a new directory of the
// same name, it does not have the lock, so using it requires a new Store.
func (f *Store) checkDir() error {
	dir, err := f.root.Open(".")
	if err == nil {
		defer dir.Close()
		if removed(dir) {
			err = os.ErrNotExist // systems other than Linux return it from Open
		}
	}
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("filestore: %s was removed", f.root.Name())
	}
	if err != nil {
		return fmt.Errorf("filestore: %w", err)
	}
	return nil
}

// checkRoom returns an error if the filesystem has too little free space.
func (f *Store) checkRoom() error {
	if f.opts.MinFreeBytes > 0 {
		if free, ok := freeBytes(f.lock); ok && free < f.opts.MinFreeBytes {
			return ErrNoRoom
		}
	}
	return nil
}

// wake wakes maintain.
func (f *Store) wake() {
	select {
	case f.kick <- struct{}{}:
	default:
	}
}

// Bytes returns the size of all files.
func (f *Store) Bytes() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.total + f.grown
}

// Close waits for the writes in progress and closes the files. A file that is being
// compressed remains as it is until the next Open.
func (f *Store) Close() error {
	f.mu.Lock()
	if f.closed {
		f.mu.Unlock()
		<-f.done
		return nil
	}
	f.closed = true
	f.mu.Unlock()
	close(f.quit)
	<-f.done
	var errs []error
	for _, d := range f.dayFiles() {
		errs = append(errs, d.close())
	}
	errs = append(errs, f.lock.Close(), f.root.Close())
	return errors.Join(errs...)
}
