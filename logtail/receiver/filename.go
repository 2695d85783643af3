package receiver

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

	"github.com/go-netlog/netlog/internal/collection"
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

// list returns the stored files of a collection. Others are none of its business.
func (f *Files) list(collection string) ([]stored, error) {
	entries, err := f.readDir(collection)
	if err != nil {
		return nil, err
	}
	var files []stored
	for _, e := range entries {
		s, ok := parseName(e.Name())
		if !ok || !e.Type().IsRegular() {
			continue
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		s.collection, s.size = collection, info.Size()
		files = append(files, s)
	}
	return files, nil
}

// readDir returns the entries of a directory below the root.
func (f *Files) readDir(name string) ([]fs.DirEntry, error) {
	dir, err := f.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	return dir.ReadDir(-1)
}

// collections returns the names of the directories that can be collections.
func (f *Files) collections() ([]string, error) {
	entries, err := f.readDir(".")
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() && collection.Check(e.Name()) == nil {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// number gives the file of day its number, the next free one of that day. From then
// on it is complete, and it goes to keep.
func (f *Files) number(collection, day string) error {
	files, err := f.list(collection)
	if err != nil {
		return err
	}
	next := 1
	for _, s := range files {
		if s.day == day {
			next = max(next, s.number+1)
		}
	}
	return f.root.Rename(path.Join(collection, day+plainSuffix),
		path.Join(collection, fmt.Sprintf("%s.%04d%s", day, next, plainSuffix)))
}

// syncDirs makes the name of a new file in a collection durable.
func (f *Files) syncDirs(collection string) error {
	for _, name := range []string{collection, "."} {
		dir, err := f.root.Open(name)
		if err != nil {
			return err
		}
		err = dir.Sync()
		if err := errors.Join(err, dir.Close()); err != nil && !errors.Is(err, os.ErrInvalid) {
			return err
		}
	}
	return nil
}
