package filestore

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// retain removes the files that are too old, and then finished files until the rest fits into MaxBytes.
func (f *Store) retain(now reading) error {
	f.mu.Lock()
	f.grown = 0 // bytes that are written from now on may be counted twice, but are not missed
	f.mu.Unlock()
	var files []stored
	collections, err := f.collections() // also those that are new since then
	errs := []error{err}
	for _, c := range collections {
		list, err := f.list(c)
		errs = append(errs, err)
		files = append(files, list...)
	}
	doubt := f.trust.doubt(now)
	for n := range files {
		errs = append(errs, f.setDate(&files[n], now, doubt == ""))
	}
	slices.SortFunc(files, stored.compareAge)
	files, err = f.removeOld(files, now, doubt)
	errs = append(errs, err)
	total, err := f.removeMost(files)
	errs = append(errs, err)
	f.mu.Lock()
	f.total = total
	f.mu.Unlock()
	return errors.Join(errs...)
}

// removeOld removes the files that are older than MaxAge, unless there is a doubt about the clock. It returns
// the rest.
func (f *Store) removeOld(files []stored, now reading, doubt string) (rest []stored, err error) {
	var errs []error
	waiting := false
	for _, s := range files {
		switch {
		case !f.opts.isOld(s, now):
			rest = append(rest, s)
			continue
		case doubt != "":
			waiting = true
		case f.isYoung(s, now):
			errs = append(errs, f.root.Chtimes(s.path(), now.wall, now.wall))
		default:
			err := f.remove(s, "older than "+ageText(f.opts.MaxAge))
			if err == nil {
				continue
			}
			errs = append(errs, err)
		}
		rest = append(rest, s)
	}
	if waiting && !f.waiting {
		f.opts.Logf("filestore: files older than %s are not removed yet, because the clock may be wrong: %s", ageText(f.opts.MaxAge), doubt)
	}
	f.waiting = waiting
	return rest, errors.Join(errs...)
}

// removeMost removes finished files until the rest fits into MaxBytes, and returns the size of the rest. It
// removes the oldest file of the collection that is the largest by then, so that a collection loses files
// only if it has more than its share. The files are sorted by age.
func (f *Store) removeMost(files []stored) (total int64, err error) {
	sizes := make(map[string]int64)       // by collection
	finished := make(map[string][]stored) // by collection
	for _, s := range files {
		total += s.size
		sizes[s.collection] += s.size
		if !s.open {
			finished[s.collection] = append(finished[s.collection], s)
		}
	}
	var errs []error
	for f.opts.MaxBytes > 0 && total > f.opts.MaxBytes && len(finished) > 0 {
		largest := slices.MaxFunc(slices.Sorted(maps.Keys(finished)), func(a, b string) int { return cmp.Compare(sizes[a], sizes[b]) })
		s := finished[largest][0]
		if finished[largest] = finished[largest][1:]; len(finished[largest]) == 0 {
			delete(finished, largest)
		}
		if err := f.remove(s, fmt.Sprintf("more than %d bytes in total", f.opts.MaxBytes)); err != nil {
			errs = append(errs, err)
			continue
		}
		total -= s.size
		sizes[largest] -= s.size
	}
	return total, errors.Join(errs...)
}

// setDate sets the date of s, the day from which its age counts. That is the day in its name, unless a
// wrong clock chose that day:
//
//   - If the day has not come yet, the date is that of the last modification. If that is in the future
//     too, it becomes the present.
//   - If the file was modified more than a day after its day had ended, isYoung was true once, and the
//     date is that of the modification.
func (f *Store) setDate(s *stored, now reading, trusted bool) error {
	today, modified := now.today(), s.modified.UTC().Format(time.DateOnly)
	s.date = s.day
	switch {
	case s.open:
	case s.day <= today:
		if s.redated(now) {
			s.date = modified
		}
	case modified <= today:
		s.date = modified
	default:
		s.date = today
		if trusted {
			return f.root.Chtimes(s.path(), now.wall, now.wall)
		}
	}
	return nil
}

// isYoung reports whether most entries at the beginning of a file that is too old were sent less than
// half of MaxAge ago, by the clocks of the nodes. Then the clock of this machine was behind when it named
// the file, and the age counts from the present, but only once.
func (f *Store) isYoung(s stored, now reading) bool {
	if s.redated(now) {
		return false
	}
	const enough = 100
	young, all := 0, 0
	r := recent{store: f, files: []stored{s}, left: 1, yield: func(entry []byte) bool {
		if at, ok := clientTime(entry); ok {
			all++
			if now.wall.Sub(at) < f.opts.MaxAge/2 {
				young++
			}
		}
		return all < enough
	}}
	r.next()
	return 2*young > all
}

// isOld reports whether s is older than MaxAge.
func (o Options) isOld(s stored, now reading) bool {
	return !s.open && o.MaxAge > 0 && s.date < now.wall.Add(-o.MaxAge).Format(time.DateOnly)
}

// ageText formats an age, in days if it is more than one.
func ageText(age time.Duration) string {
	const day = 24 * time.Hour
	if age%day != 0 || age == day {
		return age.String()
	}
	return fmt.Sprintf("%d days", age/day)
}
