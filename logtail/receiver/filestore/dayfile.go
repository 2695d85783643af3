package filestore

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/go-netlog/netlog/internal/osfile"
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
		// If the sync fails, the entries may remain in the file, and the node sends them
		// again. The Handler does not take them for duplicates, so they are stored twice.
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
	if w.finished, err = d.prepare(f, b.Received.UTC()); err != nil {
		return w, err
	}
	n, err := d.file.Write(d.buf)
	if err != nil {
		// A write that ran out of space has left part of the batch behind.
		d.torn = true
		return w, errors.Join(err, d.setEnd())
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
	if d.file != nil && osfile.Removed(d.file.File) {
		d.file.Close()
		d.file = nil
	}
}

// prepare makes the file ready for the content of buf, which was received at the given time. It reports
// whether it finished a file.
func (d *dayFile) prepare(f *Store, received time.Time) (finished bool, err error) {
	if d.file != nil {
		if err := d.setEnd(); err != nil {
			return false, err
		}
	}
	if d.file != nil && (d.ended(received) || d.full(f.opts.MaxFileBytes)) {
		if err := d.finish(f); err != nil {
			return false, err
		}
		finished = true
	}
	if d.file == nil {
		if err := d.create(f, received.Format(time.DateOnly)); err != nil {
			return finished, err
		}
	}
	return finished, nil
}

// late is how long after its receipt a request may be written. A request that was received before
// midnight is written to the file of the new day, if there is one.
const late = time.Minute

// ended reports whether a request that is received at the given time belongs in the file of another day:
// a later day, or an earlier one because the clock was set back.
func (d *dayFile) ended(at time.Time) bool {
	return d.day < at.Format(time.DateOnly) || dayStart(d.day).Sub(at) > late
}

// full reports whether the file has content and no room for buf.
func (d *dayFile) full(most int64) bool {
	size := d.file.size.Load()
	return size > 0 && size+int64(len(d.buf)) > most
}

// setEnd removes what a failed write left at the end of the file. If another program has changed the file,
// for example emptied it, the next batch follows the last complete line.
func (d *dayFile) setEnd() error {
	info, err := d.file.Stat()
	if err != nil {
		return err
	}
	end, size := d.file.size.Load(), info.Size()
	if size == end && !d.torn {
		return nil
	}
	if size < end || size > end && !d.torn {
		end, err = lastLineEnd(d.file, size)
		if err == io.EOF { // it was cut again
			return d.setEnd()
		}
		if err != nil {
			return err
		}
		d.file.setSize(end)
	}
	if end < size {
		if err := d.file.Truncate(end); err != nil {
			return err
		}
	}
	if _, err := d.file.Seek(end, io.SeekStart); err != nil { // for systems without AppendFlag
		return err
	}
	d.torn = false
	return nil
}

// finish closes the file. The next write begins another.
func (d *dayFile) finish(f *Store) error {
	if err := d.setEnd(); err != nil {
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

// finishEnded finishes the file if its day has ended, or has not begun because the clock was set back.
func (d *dayFile) finishEnded(f *Store, now reading) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.file == nil || !d.ended(now.wall) {
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
	err := errors.Join(d.setEnd(), d.file.syncTo(d.file.size.Load()), d.file.Close())
	d.file = nil
	return err
}
