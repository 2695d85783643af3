package filestore

import (
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"

	"github.com/klauspost/compress/zstd"
)

// compress replaces a finished file by its compressed form. If the process is killed, either
// the plain file remains, perhaps with a .tmp file that the next Open removes, or both files
// are complete. In the latter case the next call removes the plain one.
func (f *Store) compress(s stored) error {
	final := compressedName(s.path())
	if info, err := f.root.Lstat(final); err == nil && info.Mode().IsRegular() {
		return f.removeDuplicate(s)
	}
	if err := f.compressAs(s, final); err != nil {
		return err
	}
	return f.removePlain(s)
}

// compressAs writes the compressed form of s to final.
func (f *Store) compressAs(s stored, final string) (err error) {
	src, err := f.root.Open(s.path())
	if err != nil {
		return err
	}
	defer src.Close()
	temp := path.Join(s.collection, tempName(s.name))
	dst, err := f.root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.root.Remove(temp)
		}
	}()
	err = compressTo(dst, untilQuit{src, f.quit})
	if err == nil {
		err = dst.Sync()
	}
	if err := errors.Join(err, dst.Close()); err != nil {
		return err
	}
	if _, err := f.root.Lstat(final); err == nil {
		return &os.LinkError{Op: "rename", Old: temp, New: final, Err: fs.ErrExist}
	}
	return f.root.Rename(temp, final)
}

// compressTo streams src to dst as zstd.
func compressTo(dst io.Writer, src io.Reader) error {
	z, err := zstd.NewWriter(dst, zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(4<<20))
	if err != nil {
		return err
	}
	_, err = io.Copy(z, src)
	return errors.Join(err, z.Close())
}

// untilQuit is a Reader that fails once quit is closed.
type untilQuit struct {
	io.Reader
	quit <-chan struct{}
}

func (r untilQuit) Read(p []byte) (int, error) {
	select {
	case <-r.quit:
		return 0, errQuit
	default:
		return r.Reader.Read(p)
	}
}

// removeDuplicate removes a finished file whose compressed form exists. If the compressed file has
// different content, it comes from another program, and both files remain.
func (f *Store) removeDuplicate(s stored) error {
	same, err := f.sameContent(s.path(), compressedName(s.path()))
	if err != nil {
		return err
	}
	if !same {
		f.conflicts[s.path()] = true
		f.opts.Logf("filestore: %s: kept, because %s has different content", s.path(), compressedName(s.name))
		return nil
	}
	return f.removePlain(s)
}

// removePlain removes a file whose compressed form is complete.
func (f *Store) removePlain(s stored) error {
	if err := f.syncDirs(s.collection); err != nil {
		return err
	}
	return f.root.Remove(s.path())
}

// sameContent reports whether a compressed file has the same content as a plain one.
func (f *Store) sameContent(plain, compressed string) (bool, error) {
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
