package filestore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/go-netlog/netlog/internal/collection"
	"github.com/go-netlog/netlog/internal/osfile"
	"github.com/go-netlog/netlog/internal/owndir"
)

const lockName = ".lock"

// lockDir locks root for this process. On systems without file locks it only creates the file.
func lockDir(root *os.Root) (*os.File, error) {
	lock, err := owndir.Lock(root, lockName)
	switch {
	case err == nil:
		return lock, nil
	case err == owndir.ErrLocked:
		return nil, ErrLocked
	case errors.Is(err, errors.ErrUnsupported):
		lock, err = root.OpenFile(lockName, os.O_RDWR|os.O_CREATE, 0o600)
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
		s.collection, s.size, s.modified = collection, info.Size(), info.ModTime()
		files = append(files, s)
	}
	// The name is read after the directory. A listed file that is not open by now is finished,
	// because no file is opened twice.
	open := f.openName(collection)
	f.mu.Lock()
	defer f.mu.Unlock()
	for n := range files {
		files[n].open = files[n].name == open
		files[n].made = f.made[files[n].plainPath()]
	}
	return files, nil
}

// noteMade notes that a file was created.
func (f *Store) noteMade(path string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lastMade++
	f.made[path] = f.lastMade
}

// remove removes a file, and logs the reason.
func (f *Store) remove(s stored, reason string) error {
	if err := f.root.Remove(s.path()); err != nil {
		return err
	}
	f.opts.Logf("filestore: removed %s: %s", s.path(), reason)
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.made, s.plainPath())
	return nil
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

// Check returns an error if Store would fail now: ErrNoRoom, ErrClosed, or an error that says that
// the directory was removed.
func (f *Store) Check() error {
	f.mu.Lock()
	closed := f.closed
	f.mu.Unlock()
	if closed {
		return ErrClosed
	}
	if err := f.checkDir(); err != nil {
		return err
	}
	return f.checkRoom()
}

// checkDir returns an error if the directory was removed. Even if there is a new directory of the
// same name, it does not have the lock, so using it requires a new Store.
func (f *Store) checkDir() error {
	dir, err := f.root.Open(".")
	if err == nil {
		defer dir.Close()
		if osfile.Removed(dir) {
			err = os.ErrNotExist // systems other than Linux return it from Open
		}
	}
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("filestore: %s was removed", f.root.Name())
	}
	if err != nil {
		return fmt.Errorf("filestore: %w", err)
	}
	return nil
}

// checkRoom returns an error if the filesystem has too little free space.
func (f *Store) checkRoom() error {
	if f.opts.MinFreeBytes > 0 {
		if free, ok := osfile.Free(f.lock); ok && free < f.opts.MinFreeBytes {
			return ErrNoRoom
		}
	}
	return nil
}
