package receiver

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
)

// keepEvery is how often keep looks at the files without being woken.
const keepEvery = time.Minute

// keep rotates, compresses and removes files until Close.
func (f *Files) keep() {
	defer close(f.done)
	tick := time.NewTicker(keepEvery)
	defer tick.Stop()
	said := ""
	for {
		select {
		case <-f.quit:
			return
		case <-f.kick:
		case <-tick.C:
		}
		err := f.tidy(time.Now())
		// The same trouble comes back every minute; it is told once.
		switch {
		case err == nil:
			said = ""
		case errors.Is(err, errQuit):
			return
		case err.Error() != said:
			said = err.Error()
			f.opts.Logf("receiver: %v", err)
		}
	}
}

// errQuit says that Close was called.
var errQuit = errors.New("receiver: closing")

// tidy does what is to be done at now. An error in one step does not hold up the others.
func (f *Files) tidy(now time.Time) error {
	f.mu.Lock()
	open := make([]*dayFile, 0, len(f.open))
	for _, d := range f.open {
		open = append(open, d)
	}
	f.mu.Unlock()
	var errs []error
	for _, d := range open {
		errs = append(errs, d.stale(f, now.UTC().Format(time.DateOnly)))
	}
	collections, err := f.collections()
	errs = append(errs, err)
	for _, c := range collections {
		err := f.compressAll(c)
		if errors.Is(err, errQuit) {
			return err
		}
		errs = append(errs, err)
	}
	errs = append(errs, f.retain(collections, now))
	return errors.Join(errs...)
}

// compressAll compresses the rotated files of a collection that are plain still.
func (f *Files) compressAll(collection string) error {
	files, err := f.list(collection)
	if err != nil {
		return err
	}
	for _, s := range files {
		if s.number == 0 || s.zstd {
			continue
		}
		if err := f.compress(s); err != nil {
			return fmt.Errorf("compress %s: %w", s.path(), err)
		}
	}
	return nil
}

// compress replaces a rotated file by its compressed form. The steps are such that
// a kill leaves either the plain file (and a .tmp, removed at the next start) or
// both complete, of which repair removes the plain one.
func (f *Files) compress(s stored) (err error) {
	src, err := f.root.Open(s.path())
	if err != nil {
		return err
	}
	defer src.Close()
	final := strings.TrimSuffix(s.path(), plainSuffix) + zstdSuffix
	temp := final + tempSuffix
	dst, err := f.root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.root.Remove(temp)
		}
	}()
	err = compressTo(dst, untilQuit{src, f.quit})
	if err == nil {
		err = dst.Sync()
	}
	if err := errors.Join(err, dst.Close()); err != nil {
		return err
	}
	if err := f.root.Rename(temp, final); err != nil {
		return err
	}
	if err := f.syncDirs(s.collection); err != nil {
		return err
	}
	return f.root.Remove(s.path())
}

// compressTo streams src to dst as zstd.
func compressTo(dst io.Writer, src io.Reader) error {
	// Never an error: all options are right.
	z, _ := zstd.NewWriter(dst, zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(4<<20))
	_, err := io.Copy(z, src)
	return errors.Join(err, z.Close())
}

// untilQuit ends a copy when quit is closed.
type untilQuit struct {
	io.Reader
	quit <-chan struct{}
}

func (r untilQuit) Read(p []byte) (int, error) {
	select {
	case <-r.quit:
		return 0, errQuit
	default:
		return r.Reader.Read(p)
	}
}

// retain removes what is too old, and then the oldest rotated files while there are
// too many bytes.
func (f *Files) retain(collections []string, now time.Time) error {
	f.mu.Lock()
	f.grown = 0 // what is written from here on may be counted twice, never left out
	f.mu.Unlock()
	var files []stored
	var errs []error
	for _, c := range collections {
		list, err := f.list(c)
		errs = append(errs, err)
		files = append(files, list...)
	}
	slices.SortFunc(files, stored.compare)
	var total int64
	for _, s := range files {
		total += s.size
	}
	oldest := ""
	if f.opts.MaxAge > 0 {
		oldest = now.UTC().Add(-f.opts.MaxAge).Format(time.DateOnly)
	}
	for _, s := range files {
		tooMany := f.opts.MaxBytes > 0 && total > f.opts.MaxBytes
		if s.number == 0 || s.day >= oldest && !tooMany {
			continue
		}
		if err := f.root.Remove(s.path()); err != nil {
			errs = append(errs, err)
			continue
		}
		total -= s.size
	}
	f.mu.Lock()
	f.total = total
	f.mu.Unlock()
	for _, c := range collections {
		f.forget(c)
	}
	return errors.Join(errs...)
}

// forget removes the directory of a collection that has no files any more, which gives
// its place to another. Both locks are held over the removal, so that no write can
// come between; it is rare and short.
func (f *Files) forget(collection string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	d := f.open[collection]
	if d == nil || !d.mu.TryLock() { // being written
		return
	}
	defer d.mu.Unlock()
	if d.file == nil && f.root.Remove(collection) == nil { // fails unless empty
		d.closed = true
		delete(f.open, collection)
	}
}

// Bytes returns how many bytes the files have, rotated ones as they are compressed.
func (f *Files) Bytes() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.total + f.grown
}
