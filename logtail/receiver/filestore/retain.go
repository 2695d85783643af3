package filestore

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// retain removes the files that are too old, and then the oldest finished files until the
// rest fits into MaxBytes.
func (f *Store) retain(collections []string, now reading) error {
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
	doubt := f.doubt(now)
	var total int64
	for n := range files {
		total += files[n].size
		errs = append(errs, f.setDate(&files[n], now, doubt == ""))
	}
	slices.SortFunc(files, stored.compareAge)
	waiting := false
	for _, s := range files {
		reason := f.opts.tooOld(s, now)
		switch {
		case reason == "":
		case doubt != "":
			waiting, reason = true, ""
		case f.isYoung(s, now):
			reason = ""
			errs = append(errs, f.root.Chtimes(s.path(), now.wall, now.wall))
		}
		if reason == "" {
			reason = f.opts.tooMuch(s, total)
		}
		if reason == "" {
			continue
		}
		if err := f.remove(s); err != nil {
			errs = append(errs, err)
			continue
		}
		f.opts.Logf("filestore: removed %s: %s", s.path(), reason)
		total -= s.size
	}
	if waiting && !f.waiting {
		f.opts.Logf("filestore: files older than %s are not removed yet, because the clock may be wrong: %s", ageText(f.opts.MaxAge), doubt)
	}
	f.waiting = waiting
	f.mu.Lock()
	f.total = total
	f.mu.Unlock()
	return errors.Join(errs...)
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

// tooOld returns why s must be removed because of its age, or "".
func (o Options) tooOld(s stored, now reading) string {
	if !s.open && o.MaxAge > 0 && s.date < now.wall.Add(-o.MaxAge).Format(time.DateOnly) {
		return "older than " + ageText(o.MaxAge)
	}
	return ""
}

// tooMuch returns why s must be removed if all files have total bytes, or "".
func (o Options) tooMuch(s stored, total int64) string {
	if !s.open && o.MaxBytes > 0 && total > o.MaxBytes {
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
