package receiver

import (
	"crypto/sha256"
	"errors"
	"io"

	"github.com/klauspost/compress/zstd"
)

// endTwin ends a rotated file that is there in its compressed form too. Where that is of
// another one, of whoever put it there or of a version that gave a number twice, this one
// gets a number of its own.
func (f *Files) endTwin(s stored) error {
	same, err := f.sameText(s.path(), compressedName(s.path()))
	switch {
	case err != nil:
		return err
	case !same:
		return f.assign(s.collection, s.day, s.name)
	}
	return f.removePlain(s)
}

// removePlain removes a file of which the compressed form is complete.
func (f *Files) removePlain(s stored) error {
	if err := f.syncDirs(s.collection); err != nil {
		return err
	}
	return f.remove(s.path())
}

// sameText reports whether a compressed file holds what a plain one does, to the end. A
// plain one is removed for that only, never for its name.
func (f *Files) sameText(plain, compressed string) (bool, error) {
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
	return err == nil && got == want, nil // what cannot be decompressed is another
}

// sum returns the SHA-256 of all that r has.
func sum(r io.Reader) (sum [sha256.Size]byte, err error) {
	h := sha256.New()
	_, err = io.Copy(h, r)
	return [sha256.Size]byte(h.Sum(nil)), err
}
