package filestore

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// tidyEvery is the time after which maintain calls tidy if nothing wakes it earlier.
const tidyEvery = time.Minute

// maintain finishes, compresses and removes files until Close.
func (f *Store) maintain() {
	defer close(f.done)
	tick := time.NewTicker(tidyEvery)
	defer tick.Stop()
	logged := "" // the error of the last call
	for {
		select {
		case <-f.quit:
			return
		case <-f.kick:
		case <-tick.C:
		}
		err := f.tidy(f.now())
		// The same error may recur every minute. Log it once.
		switch {
		case err == nil:
			logged = ""
		case errors.Is(err, errQuit):
			return
		case err.Error() != logged:
			logged = err.Error()
			f.opts.Logf("filestore: %v", err)
		}
	}
}

// errQuit is returned by operations that Close interrupts.
var errQuit = errors.New("filestore: closing")

// tidy finishes, compresses and removes files. An error in one step does not stop the others.
func (f *Store) tidy(now reading) error {
	var errs []error
	for _, d := range f.dayFiles() {
		errs = append(errs, d.finishEnded(f, now))
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
	errs = append(errs, f.retain(now))
	for _, d := range f.dayFiles() {
		f.forget(d)
	}
	return joinDistinct(errs)
}

// joinDistinct joins errors, sorted by text and without duplicates, so that the same errors in
// another order give the same text.
func joinDistinct(errs []error) error {
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(slices.CompactFunc(errs, func(a, b error) bool { return a.Error() == b.Error() })...)
}

// compressAll compresses the finished files of a collection.
func (f *Store) compressAll(collection string) error {
	files, err := f.list(collection)
	if err != nil {
		return err
	}
	for _, s := range files {
		if s.zstd || s.open || f.conflicts[s.path()] {
			continue
		}
		if err := f.compress(s); err != nil {
			return fmt.Errorf("compress %s: %w", s.path(), err)
		}
	}
	return nil
}
