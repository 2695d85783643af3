package filestore

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/go-netlog/netlog/internal/owndir"
)

// repair restores order after the end of an earlier process.
func (f *Store) repair() error {
	collections, err := f.collections()
	if err != nil {
		return err
	}
	// Older versions accepted several spellings of a collection, of which one continues: the
	// last in sorted order, so the one in lower case if there is one.
	slices.Sort(collections)
	for _, c := range slices.Backward(collections) {
		if err := owndir.CheckDir(f.root, c); err != nil {
			return err
		}
		if err := f.repairCollection(c); err != nil {
			return err
		}
		if d := f.open[placeKey(c)]; d != nil {
			f.opts.Logf("filestore: %s: nothing is added, it differs from %s in case only", c, d.collection)
			continue
		}
		f.open[placeKey(c)] = &dayFile{collection: c}
	}
	return nil
}

// repairCollection repairs one collection.
func (f *Store) repairCollection(collection string) error {
	entries, err := f.readDir(collection)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if stem, ok := strings.CutSuffix(e.Name(), tempSuffix); ok {
			if _, ok := parseName(stem); ok {
				if err := f.root.Remove(path.Join(collection, e.Name())); err != nil {
					return err
				}
			}
		}
	}
	files, err := f.list(collection)
	if err != nil {
		return err
	}
	today := time.Now().UTC().Format(time.DateOnly)
	for _, s := range files {
		switch {
		case s.zstd:
		case s.number > 0: // keep compresses it
			twin := compressedName(s.name)
			if slices.ContainsFunc(files, func(t stored) bool { return t.name == twin }) {
				err = f.removeDuplicate(s)
			}
		case s.day == today:
			err = f.cutTorn(s)
		default:
			err = f.endDay(s)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// endDay finishes a plain file that is no longer written.
func (f *Store) endDay(s stored) error {
	if err := f.cutTorn(s); err != nil {
		return err
	}
	return f.assignNumber(s.collection, s.day)
}

// cutTorn removes an incomplete last line. Its batch was not acknowledged, since that happens
// after the whole write.
func (f *Store) cutTorn(s stored) error {
	if err := owndir.CheckFile(f.root, s.path()); err != nil {
		return err
	}
	file, err := f.root.OpenFile(s.path(), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	// The file may have grown since it was listed.
	info, err := file.Stat()
	if err != nil {
		return err
	}
	size := info.Size()
	end := size
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
	if end == size {
		return nil
	}
	f.opts.Logf("filestore: %s: cut off a torn line of %d bytes", s.path(), size-end)
	return file.Truncate(end)
}

// removeDuplicate removes a finished file whose compressed form exists. If the compressed file
// holds something else, the finished file gets a new number instead.
func (f *Store) removeDuplicate(s stored) error {
	same, err := f.sameText(s.path(), compressedName(s.path()))
	switch {
	case err != nil:
		return err
	case !same:
		return f.assign(s.collection, s.day, s.name)
	}
	return f.removePlain(s)
}

// removePlain removes a file whose compressed form is complete.
func (f *Store) removePlain(s stored) error {
	if err := f.syncDirs(s.collection); err != nil {
		return err
	}
	return f.remove(s.path())
}

// sameText reports whether a compressed file has the same content as a plain one. A plain file
// is removed only for this reason, never because of its name.
func (f *Store) sameText(plain, compressed string) (bool, error) {
	p, err := f.root.Open(plain)
	if err != nil {
		return false, err
	}
	defer p.Close()
	z, err := f.root.Open(compressed)
	if err != nil {
		return false, err
	}
	defer z.Close()
	want, err := sum(untilQuit{p, f.quit})
	if err != nil {
		return false, err
	}
	text, err := zstd.NewReader(untilQuit{z, f.quit}, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
	if err != nil {
		return false, err
	}
	defer text.Close()
	got, err := sum(text)
	if errors.Is(err, errQuit) {
		return false, err
	}
	return err == nil && got == want, nil // a file that cannot be decompressed is different
}

// sum returns the SHA-256 of the content of r.
func sum(r io.Reader) (sum [sha256.Size]byte, err error) {
	h := sha256.New()
	_, err = io.Copy(h, r)
	return [sha256.Size]byte(h.Sum(nil)), err
}
