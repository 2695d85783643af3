package filestore

import (
	"bytes"
	"os"
	"path"
	"slices"

	"github.com/go-netlog/netlog/internal/owndir"
)

// repair repairs what an earlier process left behind.
func (f *Store) repair() error {
	collections, err := f.collections()
	if err != nil {
		return err
	}
	// Earlier versions accepted names that differ only in case. Only one of them is still
	// written: the last in sorted order, which is the one in lower case if it exists.
	slices.Sort(collections)
	for _, c := range slices.Backward(collections) {
		if err := owndir.CheckDir(f.root, c); err != nil {
			return err
		}
		numbers, err := f.repairCollection(c)
		if err != nil {
			return err
		}
		if d := f.open[foldName(c)]; d != nil {
			f.opts.Logf("filestore: %s is no longer written: the name differs from %s only in case", c, d.collection)
			continue
		}
		f.open[foldName(c)] = &dayFile{collection: c, numbers: numbers}
	}
	return nil
}

// repairCollection repairs one collection and returns the highest number of each day.
func (f *Store) repairCollection(collection string) (map[string]int, error) {
	entries, err := f.readDir(collection)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if isTemp(e.Name()) {
			if err := f.root.Remove(path.Join(collection, e.Name())); err != nil {
				return nil, err
			}
		}
	}
	files, err := f.list(collection)
	if err != nil {
		return nil, err
	}
	numbers := make(map[string]int)
	for _, s := range files {
		numbers[s.day] = max(numbers[s.day], s.number)
		if s.zstd {
			continue
		}
		if err := f.cutTorn(s); err != nil {
			return nil, err
		}
		compressed := compressedName(s.name)
		if slices.ContainsFunc(files, func(t stored) bool { return t.name == compressed }) {
			if err := f.removeDuplicate(s); err != nil {
				return nil, err
			}
		}
	}
	return numbers, nil
}

// cutTorn removes an incomplete last line that an earlier process left behind. Its batch was not
// acknowledged, because a batch is acknowledged after the whole write. dayFile.cutFailed removes
// what failed writes of this process leave behind.
func (f *Store) cutTorn(s stored) error {
	if err := owndir.CheckFile(f.root, s.path()); err != nil {
		return err
	}
	file, err := f.root.OpenFile(s.path(), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	end := s.size
	chunk := make([]byte, 64<<10)
	for end > 0 {
		n := min(end, int64(len(chunk)))
		if _, err := file.ReadAt(chunk[:n], end-n); err != nil {
			return err
		}
		if at := bytes.LastIndexByte(chunk[:n], '\n'); at >= 0 {
			end += int64(at) + 1 - n
			break
		}
		end -= n
	}
	if end == s.size {
		return nil
	}
	f.opts.Logf("filestore: %s: removed a torn line of %d bytes", s.path(), s.size-end)
	return file.Truncate(end)
}
