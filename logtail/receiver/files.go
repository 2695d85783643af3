package receiver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/go-netlog/netlog/internal/collection"
	"github.com/go-netlog/netlog/internal/owndir"
)

var (
	// ErrLocked says that another process stores in the same directory.
	ErrLocked = errors.New("receiver: the directory is used by another process")
	// ErrNoRoom says that the filesystem has less room than MinFree.
	ErrNoRoom = errors.New("receiver: too little free space")
	// ErrCollections says that an entry of one more collection came than allowed, or
	// of one whose name is taken: by a collection with the same letters in another
	// case, or by Windows.
	ErrCollections = errors.New("receiver: too many collections")
	// ErrClosed says that the sink is closed.
	ErrClosed = errors.New("receiver: closed")
)

// Files is a [Sink] that keeps entries in files of lines (NDJSON), by collection
// and by the day of receipt in UTC:
//
//	flows/
//	  .lock
//	  netlog/
//	    2026-11-22.0001.ndjson.zst   rotated: the day was over, or the file full
//	    2026-11-23.0001.ndjson.zst
//	    2026-11-23.ndjson            being written
//
// Names sort by time, within a day too. Files are created with 0600, directories
// with 0700. Store returns nil after write(2): what it took survives the end of
// the process, and with Sync that of the machine. A batch is stored as a whole or
// not at all, but where the process is killed within its write: then some of its
// entries may be there although it was never acknowledged.
//
// All methods may be called concurrently. One goroutine compresses and removes
// files, from OpenFiles to Close.
type Files struct {
	// immutable after OpenFiles
	opts FileOptions
	root *os.Root
	lock *os.File
	kick chan struct{} // wakes keep
	quit chan struct{} // ends keep
	done chan struct{} // closed when keep has ended

	// names guards last, and is held while a directory is read and while a file in one
	// gets another name or goes: who reads it meanwhile can find a file under neither of
	// its names. It is taken with the mu of a dayFile held, or none.
	names sync.Mutex
	last  map[string]numbered // by collection

	// mu guards the fields below.
	mu     sync.Mutex
	open   map[string]*dayFile // by placeKey of the collection
	closed bool
	grown  int64 // bytes written since keep looked at the sizes last
	total  int64 // bytes of all files when it did
}

// OpenFiles makes dir where there is none, locks it, repairs what a killed process
// left behind, and starts the goroutine that keeps the bounds. It fails, and so does
// Store, where someone else than the user of this process and root owns the directory, a
// collection or a file that is to be written, or can write it.
func OpenFiles(dir string, opts FileOptions) (*Files, error) {
	f := &Files{
		opts: opts.withDefaults(),
		kick: make(chan struct{}, 1),
		quit: make(chan struct{}),
		done: make(chan struct{}),
		last: make(map[string]numbered),
		open: make(map[string]*dayFile),
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("receiver: %w", err)
	}
	var err error
	if f.root, err = os.OpenRoot(dir); err != nil {
		return nil, fmt.Errorf("receiver: %w", err)
	}
	if err := owndir.CheckDir(f.root, "."); err != nil {
		f.root.Close()
		return nil, fmt.Errorf("receiver: %w", err)
	}
	if f.lock, err = lockDir(f.root); err != nil {
		f.root.Close()
		return nil, err
	}
	if err := f.repair(); err != nil {
		f.lock.Close()
		f.root.Close()
		return nil, fmt.Errorf("receiver: %w", err)
	}
	go f.keep()
	f.wake()
	return f, nil
}

// Store implements [Sink]. It fails, and stores nothing, where there is less room
// than MinFree, one collection too many, or an error of the filesystem.
func (f *Files) Store(ctx context.Context, b Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := collection.Check(b.Collection); err != nil {
		return fmt.Errorf("receiver: collection %q: %w", b.Collection, err)
	}
	w, err := f.write(b)
	f.mu.Lock()
	f.grown += w.bytes
	full := f.opts.MaxBytes > 0 && f.total+f.grown > f.opts.MaxBytes
	f.mu.Unlock()
	if w.rotated || full {
		f.wake()
	}
	return err
}

// write appends b to the file of its collection.
func (f *Files) write(b Batch) (written, error) {
	for {
		d, err := f.day(b.Collection)
		if err != nil {
			return written{}, err
		}
		w, err := d.write(f, b)
		if err == ErrClosed {
			continue // day tells whether that is f, or d has just lost its place
		}
		if err != nil {
			f.forget(d) // what cannot even be begun takes no place
		}
		return w, err
	}
}

// Check returns why Store would store nothing now: ErrNoRoom, ErrClosed, that the
// directory was removed, or nil where none of it is known to be so.
func (f *Files) Check() error {
	f.mu.Lock()
	closed := f.closed
	f.mu.Unlock()
	if closed {
		return ErrClosed
	}
	if err := f.gone(); err != nil {
		return err
	}
	return f.room()
}

// gone returns an error where the directory was removed. Another one of its name has
// not our lock, so that it takes a new Files.
func (f *Files) gone() error {
	dir, err := f.root.Open(".")
	if err == nil {
		defer dir.Close()
		if removed(dir) {
			err = os.ErrNotExist // other systems than Linux say so themselves
		}
	}
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("receiver: %s was removed", f.root.Name())
	}
	if err != nil {
		return fmt.Errorf("receiver: %w", err)
	}
	return nil
}

// room returns an error where the filesystem has too little of it.
func (f *Files) room() error {
	if f.opts.MinFree > 0 {
		if free, ok := freeBytes(f.lock); ok && free < f.opts.MinFree {
			return ErrNoRoom
		}
	}
	return nil
}

// wake has keep look at the files.
func (f *Files) wake() {
	select {
	case f.kick <- struct{}{}:
	default:
	}
}

// Close waits for the writes under way, and ends. A file that is being compressed
// stays as it is, for the next OpenFiles.
func (f *Files) Close() error {
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
	for _, d := range f.days() {
		errs = append(errs, d.close())
	}
	errs = append(errs, f.lock.Close(), f.root.Close())
	return errors.Join(errs...)
}
