package filestore

import (
	"cmp"
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"
)

const (
	plainSuffix = ".ndjson"
	zstdSuffix  = ".ndjson.zst"
	tempSuffix  = ".tmp" // of a compressed file that is not complete yet
)

// stored is a file of a collection.
type stored struct {
	collection, name string
	day              string // 2006-01-02
	number           int    // 0 if the name has none, as in earlier versions
	zstd             bool
	size             int64
	modified         time.Time
	open             bool   // it is being written
	made             int    // rises with each file that the Store creates; 0 if it found the file
	date             string // the day from which the age of the file counts; see Store.setDate
}

// path returns the path of s relative to the root.
func (s stored) path() string { return path.Join(s.collection, s.name) }

// plainPath returns the path of s before it is compressed.
func (s stored) plainPath() string {
	stem := strings.TrimSuffix(strings.TrimSuffix(s.path(), zstdSuffix), plainSuffix)
	return stem + plainSuffix
}

// compareAge orders files by age, the oldest first. Files that the Store has created are newer than all
// others, whatever the clock was.
func (s stored) compareAge(t stored) int {
	return cmp.Or(cmp.Compare(s.made, t.made), strings.Compare(s.date, t.date), s.compare(t))
}

// redated reports whether s was modified more than a day after its day had ended, but not in the future.
func (s stored) redated(now reading) bool {
	return s.modified.Sub(dayStart(s.day)) > 48*time.Hour && !s.modified.After(now.wall)
}

// dayStart returns the beginning of a day in the name of a file.
func dayStart(day string) time.Time {
	at, _ := time.Parse(time.DateOnly, day) // parseName has checked it
	return at
}

// compare orders files by their names.
func (s stored) compare(t stored) int {
	return cmp.Or(strings.Compare(s.day, t.day), cmp.Compare(s.number, t.number), strings.Compare(s.collection, t.collection))
}

// plainName returns the name of the file of a day with the given number.
func plainName(day string, number int) string {
	return fmt.Sprintf("%s.%04d%s", day, number, plainSuffix)
}

// compressedName returns the name of the compressed form of a plain file.
func compressedName(plain string) string { return strings.TrimSuffix(plain, plainSuffix) + zstdSuffix }

// tempName returns the name of the compressed form while it is written. The patterns *.ndjson* and
// *.zst do not match it.
func tempName(plain string) string { return strings.TrimSuffix(plain, plainSuffix) + tempSuffix }

// isTemp reports whether name is a result of tempName, in this version or an earlier one.
func isTemp(name string) bool {
	stem, ok := strings.CutSuffix(name, tempSuffix)
	_, isNew := parseName(stem + plainSuffix)
	_, isOld := parseName(stem)
	return ok && (isNew || isOld)
}

// parseName parses the name of a file: 2006-01-02.0001.ndjson, with .zst if it is compressed.
// Earlier versions left out the number while they wrote the file.
func parseName(name string) (stored, bool) {
	s := stored{name: name}
	stem, ok := strings.CutSuffix(name, zstdSuffix)
	if s.zstd = ok; !ok {
		if stem, ok = strings.CutSuffix(name, plainSuffix); !ok {
			return stored{}, false
		}
	}
	day, number, numbered := strings.Cut(stem, ".")
	if numbered {
		n, err := strconv.ParseUint(number, 10, 31)
		if err != nil || n == 0 {
			return stored{}, false
		}
		s.number = int(n)
	}
	if _, err := time.Parse(time.DateOnly, day); err != nil {
		return stored{}, false
	}
	s.day = day
	return s, true
}
