package filestore

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// retain removes the files that are too old, and then the oldest finished files until the
// rest fits into MaxBytes.
func (f *Store) retain(collections []string, now time.Time) error {
	f.mu.Lock()
	f.grown = 0 // from here on, written bytes may be counted twice but are never missed
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
		why := f.opts.excess(s, now, total)
		if why == "" {
			continue
		}
		if err := f.root.Remove(s.path()); err != nil {
			errs = append(errs, err)
			continue
		}
		f.opts.Logf("filestore: removed %s: %s", s.path(), why)
		total -= s.size
	}
	f.mu.Lock()
	f.total = total
	f.mu.Unlock()
	return errors.Join(errs...)
}

// excess returns why s must be removed if all files have total bytes, or "" if it stays.
func (o Options) excess(s stored, now time.Time, total int64) string {
	switch {
	case s.open:
		return ""
	case o.MaxAge > 0 && s.day < now.UTC().Add(-o.MaxAge).Format(time.DateOnly):
		return "older than " + ageText(o.MaxAge)
	case o.MaxBytes > 0 && total > o.MaxBytes:
		return fmt.Sprintf("more than %d bytes in all", o.MaxBytes)
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

// Bytes returns the size of all files.
func (f *Store) Bytes() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.total + f.grown
}
