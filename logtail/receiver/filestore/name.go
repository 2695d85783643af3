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
	open             bool // it is being written
}

// path returns the path of s relative to the root.
func (s stored) path() string { return path.Join(s.collection, s.name) }

// compare orders files by time.
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
