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
	// ErrLocked is returned by Open if another Store uses the directory.
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
// The names sort by time, unless the clock was set back. A file gets its number when it is created.
// It is never renamed, and never written again once it is finished. It is only replaced by its
// compressed form, which has the same number. A Store begins new files, with numbers above those
// in the directory. Files have mode 0600 and directories 0700.
//
// If the clock is set back, entries go into a new file of the right day. Files are removed for their
// age only while the clock is trusted: it has not been set for an hour, and agrees within an hour
// with the client_time of entries that arrive or were stored last. Otherwise files that are too old
// remain until a week has passed since Open or since the clock was last set. This is logged once.
//
// Store returns nil after write(2): the batch survives a crash of the process and, with Sync,
// of the system. A batch is stored as a whole or not at all, with two exceptions: if the process is
// killed during the write, some entries may be stored, and if the fsync fails, all of them may be.
// In both cases the batch is not acknowledged, so the node sends it again.
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
	end  chan struct{} // closed when Close has released everything
	now  func() reading

	trust *trust

	// conflicts has the paths of plain files whose compressed form has different content. It
	// is owned by Open, and then by maintain.
	conflicts map[string]bool

	// waiting is set while files that are too old remain because the clock is not trusted. It
	// is owned by maintain.
	waiting bool

	// mu guards the fields below.
	mu     sync.Mutex
	open   map[string]*dayFile // by foldName of the collection
	closed bool
	grown  int64 // bytes written since maintain last added up the sizes
	total  int64 // bytes of all files at that time
	// made has the files that this Store created, by their path when they are plain, with
	// numbers that rise.
	made     map[string]int
	lastMade int
}

// Open creates dir if it does not exist, locks it, repairs what a killed process left
// behind, and starts the goroutine that enforces the bounds. Open and Store fail if a user
// other than root and the user of this process owns, or may write, the directory, a collection
// or a file to be written. There is one exception: Kubernetes makes a volume writable for the
// group at each mount. So if an earlier Store of this user has created the directory or file,
// they remove the write permission of the group and continue.
func Open(dir string, opts Options) (*Store, error) {
	f, err := open(dir, opts, newClock())
	if err != nil {
		return nil, err
	}
	go f.maintain()
	f.wake()
	return f, nil
}

// open returns a Store with the given clocks, without the goroutine.
func open(dir string, opts Options, now func() reading) (*Store, error) {
	f := &Store{
		now:   now,
		trust: newTrust(now()),
		opts:  opts.withDefaults(),
		kick:  make(chan struct{}, 1),
		quit:  make(chan struct{}),
		done:  make(chan struct{}),
		end:   make(chan struct{}),
		open:  make(map[string]*dayFile),
		made:  make(map[string]int),

		conflicts: make(map[string]bool),
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("filestore: %w", err)
	}
	var err error
	if f.root, err = os.OpenRoot(dir); err != nil {
		return nil, fmt.Errorf("filestore: %w", err)
	}
	if err := owndir.CheckRoot(f.root, lockName); err != nil {
		f.root.Close()
		return nil, fmt.Errorf("filestore: %w", err)
	}
	if f.lock, err = lockDir(f.root); err != nil {
		f.root.Close()
		return nil, err
	}
	if err := f.repair(); err != nil {
		owndir.Unlock(f.lock)
		f.root.Close()
		return nil, fmt.Errorf("filestore: %w", err)
	}
	f.recallTrust()
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
	if err == nil && len(b.Entries) > 0 {
		f.trust.entry(f.now(), b.Entries[len(b.Entries)-1])
	}
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
// compressed remains as it is until the next Open. A second Close waits for the first one, and
// returns nil.
func (f *Store) Close() error {
	f.mu.Lock()
	if f.closed {
		f.mu.Unlock()
		<-f.end
		return nil
	}
	f.closed = true
	f.mu.Unlock()
	defer close(f.end)
	close(f.quit)
	<-f.done
	var errs []error
	for _, d := range f.dayFiles() {
		errs = append(errs, d.close())
	}
	errs = append(errs, owndir.Unlock(f.lock), f.root.Close())
	return errors.Join(errs...)
}
