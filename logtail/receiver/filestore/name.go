package filestore

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
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

// A numbered is the latest number that a collection has given out, so that it gives
// out none twice, whatever became of the file.
type numbered struct {
	day    string
	number int
}

// assignNumber gives the file of day its number, the next free one of that day. From then
// on it is complete, and it goes to keep. One that someone has removed needs none.
func (f *Store) assignNumber(collection, day string) error {
	return f.assign(collection, day, day+plainSuffix)
}

// assign does so for the file name.
func (f *Store) assign(collection, day, name string) error {
	f.names.Lock()
	defer f.names.Unlock()
	next, err := f.nextNumber(collection, day)
	if err != nil {
		return err
	}
	err = f.root.Rename(path.Join(collection, name), path.Join(collection, rotatedName(day, next)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && day >= f.last[collection].day {
		f.last[collection] = numbered{day, next}
	}
	return err
}

// nextNumber returns the next free number of day. names is held.
func (f *Store) nextNumber(collection, day string) (int, error) {
	last := f.last[collection]
	if last.day != day {
		files, err := f.listLocked(collection)
		if err != nil {
			return 0, err
		}
		last = numbered{day: day}
		for _, s := range files {
			if s.day == day {
				last.number = max(last.number, s.number)
			}
		}
	}
	for next := last.number + 1; ; next++ {
		taken, err := f.numberTaken(collection, day, next)
		if err != nil || !taken {
			return next, err
		}
	}
}

// numberTaken reports whether there is a file with a number, as someone may have put
// there. A directory is left to rename, which names it in its error.
func (f *Store) numberTaken(collection, day string, number int) (bool, error) {
	plain := path.Join(collection, rotatedName(day, number))
	for _, name := range []string{plain, compressedName(plain)} {
		info, err := f.root.Lstat(name)
		switch {
		case err == nil && !info.IsDir():
			return true, nil
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return false, err
		}
	}
	return false, nil
}

// rename gives a file a name that no other has: what is stored is never replaced.
func (f *Store) rename(from, to string) error {
	f.names.Lock()
	defer f.names.Unlock()
	if _, err := f.root.Lstat(to); err == nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: fs.ErrExist}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return f.root.Rename(from, to)
}

// remove removes a file.
func (f *Store) remove(name string) error {
	f.names.Lock()
	defer f.names.Unlock()
	return f.root.Remove(name)
}

// rotatedName returns the name of a file of day that is complete.
func rotatedName(day string, number int) string {
	return fmt.Sprintf("%s.%04d%s", day, number, plainSuffix)
}
