package filestore

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

// keepEvery is the time between two runs of tidy that nothing else causes.
const keepEvery = time.Minute

// keep finishes, compresses and removes files until Close.
func (f *Store) keep() {
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
		// The same error may recur every minute. Log it once.
		switch {
		case err == nil:
			said = ""
		case errors.Is(err, errQuit):
			return
		case err.Error() != said:
			said = err.Error()
			f.opts.Logf("filestore: %v", err)
		}
	}
}

// errQuit is returned when Close is called.
var errQuit = errors.New("filestore: closing")

// tidy finishes, compresses and removes files. An error in one step does not stop the others.
func (f *Store) tidy(now time.Time) error {
	var errs []error
	today := now.UTC().Format(time.DateOnly)
	for _, d := range f.days() {
		errs = append(errs, d.stale(f, today))
	}
	collections, err := f.collections()
	errs = append(errs, err)
	for _, c := range collections {
		err := f.finish(c, today)
		if errors.Is(err, errQuit) {
			return err
		}
		errs = append(errs, err)
	}
	errs = append(errs, f.retain(collections, now))
	for _, d := range f.days() {
		f.forget(d)
	}
	return joinDistinct(errs)
}

// joinDistinct joins errors, sorted by text and without duplicates, so that the same errors
// give the same text the next time, in whatever order they occur.
func joinDistinct(errs []error) error {
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(slices.CompactFunc(errs, func(a, b error) bool { return a.Error() == b.Error() })...)
}

// finish compresses the finished files of a collection. A file of a past day that was not
// finished is numbered now and compressed the next time.
func (f *Store) finish(collection, today string) error {
	files, err := f.list(collection)
	if err != nil {
		return err
	}
	var errs []error
	for _, s := range files {
		switch {
		case s.zstd:
		case s.number > 0:
			if err := f.compress(s); err != nil {
				return errors.Join(append(errs, fmt.Errorf("compress %s: %w", s.path(), err))...)
			}
		case s.day < today:
			errs = append(errs, f.endLeft(s))
		}
	}
	return errors.Join(errs...)
}

// endLeft finishes a file that a failed rotation left behind.
func (f *Store) endLeft(s stored) error {
	f.mu.Lock()
	d := f.open[placeKey(s.collection)]
	f.mu.Unlock()
	if d == nil || d.collection != s.collection {
		return nil // not ours; the next Open repairs it
	}
	return d.endOther(f, s)
}

// compress replaces a finished file by its compressed form. If the process is killed, either
// the plain file remains, perhaps with a .tmp file that the next Open removes, or both files
// are complete. In the latter case the next call removes the plain one.
func (f *Store) compress(s stored) error {
	final := compressedName(s.path())
	if info, err := f.root.Lstat(final); err == nil && info.Mode().IsRegular() {
		return f.removeDuplicate(s)
	}
	if err := f.compressAs(s, final); err != nil {
		return err
	}
	return f.removePlain(s)
}

// compressAs writes the compressed form of s to final.
func (f *Store) compressAs(s stored, final string) (err error) {
	src, err := f.root.Open(s.path())
	if err != nil {
		return err
	}
	defer src.Close()
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
	return f.rename(temp, final)
}

// compressTo streams src to dst as zstd.
func compressTo(dst io.Writer, src io.Reader) error {
	z, err := zstd.NewWriter(dst, zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(4<<20))
	if err != nil {
		return err
	}
	_, err = io.Copy(z, src)
	return errors.Join(err, z.Close())
}

// untilQuit is a Reader that fails once quit is closed.
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
