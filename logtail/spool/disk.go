package spool

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/go-netlog/netlog/internal/owndir"
)

// disk is the directory of a spool. The interface is small, so that a test can replace it, fail any
// call, and lose what was not synced. The spool makes only one call at a time to it and its files.
type disk interface {
	// Lock locks the directory until Close. It returns ErrLocked if another process has it.
	Lock() error
	// List returns the size of each regular file, and -1 for anything else.
	List() (map[string]int64, error)
	// Open is like os.OpenFile. It refuses anything but a regular file of our own.
	Open(name string, flag int) (file, error)
	Remove(name string) error
	// Holds reports whether name in the directory is f, or the lock if f is nil. It returns
	// true if that cannot be found out.
	Holds(name string, f file) bool
	// Reopen opens the directory that is now at the path of this one. It creates it if it does
	// not exist. The caller must close this one if that succeeds.
	Reopen() (disk, error)
	// Sync makes created and removed names durable.
	Sync() error
	Close() error
}

type file interface {
	io.ReaderAt
	io.WriterAt
	Truncate(size int64) error
	Sync() error
	Close() error
}

// rootDisk is a directory of the operating system. It uses os.Root, so that no symbolic link leads
// out of it.
type rootDisk struct {
	path string // absolute
	root *os.Root
	lock *rootFile // nil before Lock
}

// rootFile is a file of a rootDisk.
type rootFile struct {
	*os.File
	info fs.FileInfo // identifies it
}

func newRootFile(f *os.File) (*rootFile, error) {
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, err
	}
	return &rootFile{f, info}, nil
}

// openDir opens dir. It creates dir if it does not exist.
func openDir(dir string) (*rootDisk, error) {
	if dir == "" { // filepath.Abs takes it for the working directory
		return nil, errors.New("dir: is empty")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	// Flows are personal data. An existing directory keeps its mode, since others may need
	// it. But it is refused if others may write to it, and so create files with our names.
	if err := owndir.CheckRoot(root, lockName); err != nil {
		root.Close()
		return nil, err
	}
	return &rootDisk{path: dir, root: root}, nil
}

func (d *rootDisk) Lock() error {
	lock, err := owndir.Lock(d.root, lockName)
	switch {
	case err == owndir.ErrLocked:
		return ErrLocked
	case err != nil:
		return err
	}
	d.lock, err = newRootFile(lock)
	return err
}

func (d *rootDisk) Holds(name string, f file) bool {
	if runtime.GOOS == "windows" {
		return true // it does not remove open files
	}
	own := d.lock
	if f != nil {
		own = f.(*rootFile)
	}
	info, err := d.root.Lstat(name)
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist)
	}
	return os.SameFile(info, own.info)
}

func (d *rootDisk) Reopen() (disk, error) {
	again, err := openDir(d.path)
	if err != nil {
		return nil, err // not a nil *rootDisk in an interface
	}
	return again, nil
}

func (d *rootDisk) List() (map[string]int64, error) {
	f, err := d.root.Open(".")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	entries, err := f.ReadDir(-1)
	if err != nil {
		return nil, err
	}
	sizes := make(map[string]int64, len(entries))
	for _, e := range entries {
		info, err := e.Info()
		switch {
		case errors.Is(err, fs.ErrNotExist): // just removed
		case err != nil:
			return nil, err
		case info.Mode().IsRegular():
			sizes[e.Name()] = info.Size()
		default:
			sizes[e.Name()] = -1
		}
	}
	return sizes, nil
}

func (d *rootDisk) Open(name string, flag int) (file, error) {
	if flag&os.O_EXCL == 0 { // with O_EXCL there is no existing file to check
		if err := owndir.CheckFile(d.root, name); err != nil {
			return nil, err
		}
	}
	f, err := d.root.OpenFile(name, flag, 0o600)
	if err != nil {
		return nil, err
	}
	own, err := newRootFile(f)
	if err != nil {
		return nil, err // not a nil *rootFile in an interface
	}
	return own, nil
}

func (d *rootDisk) Remove(name string) error { return d.root.Remove(name) }

func (d *rootDisk) Sync() error { return owndir.Sync(d.root, ".") }

func (d *rootDisk) Close() error {
	var err error
	if d.lock != nil {
		err = owndir.Unlock(d.lock.File)
	}
	return errors.Join(err, d.root.Close())
}
