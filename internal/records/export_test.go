package records

import (
	"path/filepath"
	"time"
)

// SetMaxRecord makes the bound of a record small enough for a test.
func (d *Reader) SetMaxRecord(n int) { d.scan.max = n }

// Snapshot returns the names that are listed of a directory, of which the nth listing
// comes after before(n).
func Snapshot(dir string, before func(n int)) (names []string, errs []error) {
	n := 0
	l := snapshot(func() *listing {
		n++
		before(n)
		return list([]string{dir}, time.Time{})
	})
	defer l.close()
	for _, s := range l.files {
		names = append(names, filepath.Base(s.path))
	}
	return names, l.errs
}
