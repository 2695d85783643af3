package receiver

import (
	"errors"
	"fmt"
	"os"
	"path"
	"sync"
	"time"
)

// dayFile is the file of one collection that is being written.
type dayFile struct {
	collection string // immutable

	// mu is held over the writes, unlike other locks here: the bytes of a file
	// need an order. Nothing else waits for it but the requests of the same
	// collection, and those end at their own deadline.
	mu     sync.Mutex
	day    string // of file, as in its name
	file   *os.File
	size   int64 // bytes of whole batches; what is beyond them is torn
	torn   bool  // there may be something beyond size
	closed bool
	buf    []byte

	// syncing is held over fsync. It is taken with mu free, so that one fsync serves
	// all writes that waited for it.
	syncing sync.Mutex
	synced  int64    // bytes that are on disk, guarded by syncing
	of      *os.File // of this file
}

// A written tells what one write did.
type written struct {
	file    *os.File
	end     int64 // offset in file after the write
	bytes   int64
	rotated bool // there is a file for keep
}

// write appends the entries of b, in a new file where the day or the size asks for it.
func (d *dayFile) write(f *Files, b Batch) (written, error) {
	d.mu.Lock()
	w, err := d.writeLocked(f, b)
	d.mu.Unlock()
	if err == nil && f.opts.Sync {
		err = d.sync(w)
	}
	if err != nil && err != ErrClosed && err != ErrNoRoom {
		err = fmt.Errorf("receiver: %w", err)
	}
	return w, err
}

// writeLocked is write without the fsync.
func (d *dayFile) writeLocked(f *Files, b Batch) (w written, err error) {
	if d.closed {
		return w, ErrClosed
	}
	// Someone has removed the file to make room, or by mistake: what is written to
	// it now would be lost, and its room comes back only with its end.
	if d.file != nil && removed(d.file) {
		d.file.Close()
		d.file = nil
	}
	if err := f.room(); err != nil {
		return w, err
	}
	d.buf = d.buf[:0]
	for _, e := range b.Entries {
		d.buf = append(append(d.buf, e...), '\n')
	}
	if w.rotated, err = d.prepare(f, b.Received.UTC().Format(time.DateOnly)); err != nil {
		return w, err
	}
	n, err := d.file.WriteAt(d.buf, d.size)
	if err != nil {
		// A write that ran out of room half-way leaves part of a batch that is about
		// to be refused.
		d.torn = true
		return w, errors.Join(err, d.mend())
	}
	d.size += int64(n)
	w.file, w.end, w.bytes = d.file, d.size, int64(n)
	if cap(d.buf) > maxKept {
		d.buf = nil
	}
	return w, nil
}

// prepare makes the file ready for what is in buf.
func (d *dayFile) prepare(f *Files, day string) (rotated bool, err error) {
	// A request received before midnight may be written after it: never go back.
	if d.file != nil && (d.day < day || d.size > 0 && d.size+int64(len(d.buf)) > f.opts.RotateBytes) {
		if err := d.rotate(f); err != nil {
			return false, err
		}
		rotated = true
	}
	if d.file == nil {
		if err := d.create(f, day); err != nil {
			return rotated, err
		}
	}
	return rotated, d.mend()
}

// mend cuts off what a failed write left.
func (d *dayFile) mend() error {
	if !d.torn {
		return nil
	}
	if err := d.file.Truncate(d.size); err != nil {
		return err
	}
	d.torn = false
	return nil
}

// create opens the file of day, which may be there from an earlier process.
func (d *dayFile) create(f *Files, day string) error {
	if err := f.root.Mkdir(d.collection, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	file, err := f.root.OpenFile(path.Join(d.collection, day+plainSuffix), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return err
	}
	if f.opts.Sync {
		if err := f.syncDirs(d.collection); err != nil {
			file.Close()
			return err
		}
	}
	d.file, d.day, d.size, d.torn = file, day, info.Size(), false
	return nil
}

// rotate closes the file and gives it its number, after which it never changes.
func (d *dayFile) rotate(f *Files) error {
	if err := d.mend(); err != nil {
		return err
	}
	if f.opts.Sync { // for those who wait in sync for this file
		if err := d.file.Sync(); err != nil {
			return err
		}
	}
	// Closed first: not every system renames an open file.
	err := d.file.Close()
	d.file = nil
	return errors.Join(err, f.number(d.collection, d.day))
}

// sync returns when all that was written up to w is on disk. Where that fails the
// entries are in the file, and come again: the one way to doubles in it.
func (d *dayFile) sync(w written) error {
	d.syncing.Lock()
	defer d.syncing.Unlock()
	if d.of == w.file && d.synced >= w.end {
		return nil
	}
	d.mu.Lock()
	current, through := d.file == w.file, d.size
	d.mu.Unlock()
	if !current {
		return nil // rotated, which synced it
	}
	// Rotated just now, likewise.
	if err := w.file.Sync(); err != nil && !errors.Is(err, os.ErrClosed) {
		return fmt.Errorf("fsync: %w", err)
	}
	d.of, d.synced = w.file, through
	return nil
}

// stale rotates the file where its day is over, and those of past days that
// something kept from being rotated: without a number none is ever removed.
func (d *dayFile) stale(f *Files, today string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.file != nil && d.day < today {
		if err := d.rotate(f); err != nil {
			return err
		}
	}
	files, err := f.list(d.collection)
	if errors.Is(err, os.ErrNotExist) {
		return nil // nothing was ever written
	}
	for _, s := range files {
		if s.number == 0 && s.day < today {
			err = errors.Join(err, f.number(d.collection, s.day))
		}
	}
	return err
}

// close closes the file.
func (d *dayFile) close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	if d.file == nil {
		return nil
	}
	err := errors.Join(d.mend(), d.file.Sync(), d.file.Close())
	d.file = nil
	return err
}
