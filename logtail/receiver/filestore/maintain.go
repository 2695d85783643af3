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
		err := f.tidy(time.Now())
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
func (f *Store) tidy(now time.Time) error {
	var errs []error
	today := now.UTC().Format(time.DateOnly)
	for _, d := range f.dayFiles() {
		errs = append(errs, d.finishIfOld(f, today))
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

// retain removes the files that are too old, and then the oldest finished files until the
// rest fits into MaxBytes.
func (f *Store) retain(collections []string, now time.Time) error {
	f.mu.Lock()
	f.grown = 0 // bytes that are written from now on may be counted twice, but are not missed
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
	for _, s := range files {
		reason := f.opts.removalReason(s, now, total)
		if reason == "" {
			continue
		}
		if err := f.root.Remove(s.path()); err != nil {
			errs = append(errs, err)
			continue
		}
		f.opts.Logf("filestore: removed %s: %s", s.path(), reason)
		total -= s.size
	}
	f.mu.Lock()
	f.total = total
	f.mu.Unlock()
	return errors.Join(errs...)
}

// removalReason returns why s must be removed if all files have total bytes, or "" if it stays.
func (o Options) removalReason(s stored, now time.Time, total int64) string {
	switch {
	case s.open:
		return ""
	case o.MaxAge > 0 && s.day < now.UTC().Add(-o.MaxAge).Format(time.DateOnly):
		return "older than " + ageText(o.MaxAge)
	case o.MaxBytes > 0 && total > o.MaxBytes:
		return fmt.Sprintf("more than %d bytes in total", o.MaxBytes)
	}
	return ""
}

// ageText formats an age, in days if it is more than one.
func ageText(age time.Duration) string {
	const day = 24 * time.Hour
	if age%day != 0 || age == day {
		return age.String()
	}
	return fmt.Sprintf("%d days", age/day)
}
