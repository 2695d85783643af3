package filestore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"sync"
	"time"

	"github.com/go-netlog/netlog/internal/owndir"
	"github.com/go-netlog/netlog/logtail/receiver"
)

// maxKept bounds the memory that a dayFile keeps for the next batch.
const maxKept = 1 << 20 // bytes

// dayFile is the file of a collection that is being written.
type dayFile struct {
	collection string // immutable

	// mu guards the fields below. It is held during writes, so that they follow one another
	// in the file. No other lock is held during I/O. Only maintain and requests of the same
	// collection wait for mu, and requests end at their own deadline.
	mu      sync.Mutex
	numbers map[string]int // the highest number of each day, so that no number is used twice
	day     string         // the day in the name of file
	name    string         // of file
	file    *syncedFile    // nil until the next write creates one
	torn    bool           // file may be longer than file.size
	closed  bool
	buf     []byte // the lines of a batch
}

// written is the result of a write.
type written struct {
	file     *syncedFile
	end      int64 // offset in file after the write
	bytes    int64
	finished bool // there is a finished file to compress
}

// write appends the entries of b. It begins a new file if the day or the size requires it.
func (d *dayFile) write(f *Store, b receiver.Batch) (written, error) {
	d.mu.Lock()
	w, err := d.writeLocked(f, b)
	d.mu.Unlock()
	if err == nil && f.opts.Sync {
		// If the sync fails, the entries are in the file, and the node sends them again.
		// Only this can store entries twice.
		if err = w.file.syncTo(w.end); err != nil {
			err = errors.Join(err, d.abandon(f, w.file))
			w.finished = true
		}
	}
	if err != nil && err != ErrClosed && err != ErrNoRoom {
		err = fmt.Errorf("filestore: %w", err)
	}
	return w, err
}

// writeLocked is write without the fsync.
func (d *dayFile) writeLocked(f *Store, b receiver.Batch) (w written, err error) {
	if d.closed {
		return w, ErrClosed
	}
	d.closeRemoved()
	if err := f.checkRoom(); err != nil {
		return w, err
	}
	d.buf = d.buf[:0]
	for _, e := range b.Entries {
		d.buf = append(append(d.buf, e...), '\n')
	}
	if w.finished, err = d.prepare(f, b.Received.UTC().Format(time.DateOnly)); err != nil {
		return w, err
	}
	n, err := d.file.WriteAt(d.buf, d.file.size.Load())
	if err != nil {
		// A write that ran out of space has left part of the batch behind.
		d.torn = true
		return w, errors.Join(err, d.cutFailed())
	}
	w.file, w.end, w.bytes = d.file, d.file.size.Add(int64(n)), int64(n)
	if cap(d.buf) > maxKept {
		d.buf = nil
	}
	return w, nil
}

// closeRemoved closes the file if someone has removed it. Further writes to it would be lost, and
// its space is only freed when it is closed.
func (d *dayFile) closeRemoved() {
	if d.file != nil && removed(d.file.File) {
		d.file.Close()
		d.file = nil
	}
}

// prepare makes the file ready for the content of buf. It reports whether it finished a file.
func (d *dayFile) prepare(f *Store, day string) (finished bool, err error) {
	// A request received before midnight may be written after it. It goes into the file of
	// the new day if there is one.
	if d.file != nil && (d.day < day || d.full(f.opts.MaxFileBytes)) {
		if err := d.finish(f); err != nil {
			return false, err
		}
		finished = true
	}
	if d.file == nil {
		if err := d.create(f, day); err != nil {
			return finished, err
		}
	}
	return finished, d.cutFailed()
}

// full reports whether the file has content and no room for buf.
func (d *dayFile) full(most int64) bool {
	size := d.file.size.Load()
	return size > 0 && size+int64(len(d.buf)) > most
}

// cutFailed removes what a failed write left at the end of the file.
func (d *dayFile) cutFailed() error {
	if !d.torn {
		return nil
	}
	if err := d.file.Truncate(d.file.size.Load()); err != nil {
		return err
	}
	d.torn = false
	return nil
}

// create creates the next file of day.
func (d *dayFile) create(f *Store, day string) error {
	if err := f.root.Mkdir(d.collection, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	// Another user may own the directory, for example from a time when others could write to
	// the root.
	if err := owndir.CheckDir(f.root, d.collection); err != nil {
		return err
	}
	file, name, err := d.createNext(f, day)
	if err != nil {
		return err
	}
	if f.opts.Sync {
		if err := f.syncDirs(d.collection); err != nil {
			file.Close()
			return err
		}
	}
	d.file, d.day, d.name, d.torn = newSyncedFile(file), day, name, false
	return nil
}

// createNext creates a file with the next free number of day. It skips the numbers of files that
// other programs have put there, plain or compressed.
func (d *dayFile) createNext(f *Store, day string) (*os.File, string, error) {
	for n := d.numbers[day] + 1; ; n++ {
		name := plainName(day, n)
		switch _, err := f.root.Lstat(path.Join(d.collection, compressedName(name))); {
		case err == nil:
			continue
		case !errors.Is(err, fs.ErrNotExist):
			return nil, "", err
		}
		file, err := f.root.OpenFile(path.Join(d.collection, name), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err == nil {
			d.numbers[day] = n
		}
		return file, name, err
	}
}

// finish closes the file. The next write begins another.
func (d *dayFile) finish(f *Store) error {
	if err := d.cutFailed(); err != nil {
		return err
	}
	if f.opts.Sync {
		// Requests may be waiting for this. If it fails, they get the error. The file
		// is closed in any case.
		d.file.syncTo(d.file.size.Load())
	}
	err := d.file.Close()
	d.file = nil
	return err
}

// abandon finishes a file that could not be synced.
func (d *dayFile) abandon(f *Store, file *syncedFile) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.file != file {
		return nil // another write has finished it
	}
	return d.finish(f)
}

// finishIfOld finishes the file if its day has ended.
func (d *dayFile) finishIfOld(f *Store, today string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.file == nil || d.day >= today {
		return nil
	}
	return d.finish(f)
}

// openName returns the name of the open file, or "" if there is none.
func (d *dayFile) openName() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.file == nil {
		return ""
	}
	return d.name
}

// close closes the file.
func (d *dayFile) close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	if d.file == nil {
		return nil
	}
	err := errors.Join(d.cutFailed(), d.file.syncTo(d.file.size.Load()), d.file.Close())
	d.file = nil
	return err
}
