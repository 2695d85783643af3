package receiver

import (
	"cmp"
	"path"
	"strconv"
	"strings"
	"time"
)

const (
	plainSuffix = ".ndjson"
	zstdSuffix  = ".ndjson.zst"
	tempSuffix  = ".tmp" // of a file that is not complete yet
)

// A stored file, as its name tells.
type stored struct {
	collection, name string
	day              string // 2006-01-02
	number           int    // of rotated files; 0: being written
	zstd             bool
	size             int64
}

// path returns the path of s below the root.
func (s stored) path() string { return path.Join(s.collection, s.name) }

// compressedName returns the name that a rotated file gets when it is compressed.
func compressedName(plain string) string { return strings.TrimSuffix(plain, plainSuffix) + zstdSuffix }

// compare orders by time.
func (s stored) compare(t stored) int {
	return cmp.Or(strings.Compare(s.day, t.day), cmp.Compare(s.order(), t.order()), strings.Compare(s.collection, t.collection))
}

// order is the number, with the file being written last.
func (s stored) order() uint { return uint(s.number) - 1 }

// parseName returns what a name tells: 2006-01-02[.0001].ndjson[.zst].
func parseName(name string) (stored, bool) {
	s := stored{name: name}
	stem, zstd := strings.CutSuffix(name, zstdSuffix)
	if s.zstd = zstd; !zstd {
		var plain bool
		if stem, plain = strings.CutSuffix(name, plainSuffix); !plain {
			return stored{}, false
		}
	}
	day, number, rotated := strings.Cut(stem, ".")
	if rotated {
		n, err := strconv.ParseUint(number, 10, 31)
		if err != nil || n == 0 {
			return stored{}, false
		}
		s.number = int(n)
	}
	if _, err := time.Parse(time.DateOnly, day); err != nil || s.zstd && !rotated {
		return stored{}, false
	}
	s.day = day
	return s, true
}
