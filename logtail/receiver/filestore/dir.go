package filestore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/go-netlog/netlog/internal/collection"
	"github.com/go-netlog/netlog/internal/owndir"
)

// lockDir locks root for this process. On systems without file locks it only creates the file.
func lockDir(root *os.Root) (*os.File, error) {
	const name = ".lock"
	lock, err := owndir.Lock(root, name)
	switch {
	case err == nil:
		return lock, nil
	case err == owndir.ErrLocked:
		return nil, ErrLocked
	case errors.Is(err, errors.ErrUnsupported):
		lock, err = root.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	}
	if err != nil {
		return nil, fmt.Errorf("filestore: lock: %w", err)
	}
	return lock, nil
}

// list returns the stored files of a collection. It ignores files with other names. If the
// directory does not exist, it returns no files.
func (f *Store) list(collection string) ([]stored, error) {
	entries, err := f.readDir(collection)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
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
	// The name is read after the directory. A listed file that is not open by now is finished,
	// because no file is opened twice.
	open := f.openName(collection)
	for n := range files {
		files[n].open = files[n].name == open
	}
	return files, nil
}

// readDir returns the entries of a directory in the root.
func (f *Store) readDir(name string) ([]fs.DirEntry, error) {
	dir, err := f.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	return dir.ReadDir(-1)
}

// collections returns the names of the directories that are named like collections.
func (f *Store) collections() ([]string, error) {
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

// syncDirs syncs the directory of a collection, and the root, to disk.
func (f *Store) syncDirs(collection string) error {
	return errors.Join(owndir.Sync(f.root, collection), owndir.Sync(f.root, "."))
}
