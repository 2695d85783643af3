package filestore

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"runtime"
	"slices"
	"strings"

	"github.com/go-netlog/netlog/logtail/receiver"
)

// errNameTaken is returned for a collection that cannot be created because of its name.
var errNameTaken = fmt.Errorf("%w, or a name that is taken", receiver.ErrCollections)

// foldName returns a key that no two collections may share. On many file systems, names that differ
// only in case are the same directory, and two writers of one file would overwrite each other.
// The Store refuses such names on all systems, so that files can be moved between systems.
func foldName(collection string) string { return strings.ToLower(collection) }

// isReserved reports whether Windows would not create a directory with the name of a collection. It
// uses a device for names such as "con" and "con.txt", and removes dots at the end.
func isReserved(name string) bool {
	stem, _, _ := strings.Cut(strings.ToUpper(name), ".")
	switch stem {
	case "CON", "PRN", "AUX", "NUL":
		return true
	}
	port := len(stem) == 4 && (strings.HasPrefix(stem, "COM") || strings.HasPrefix(stem, "LPT"))
	return port && '0' <= stem[3] && stem[3] <= '9' || strings.HasSuffix(name, ".")
}

// dayFile returns the file of a collection that is being written, or creates it.
func (f *Store) dayFile(name string) (*dayFile, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := foldName(name)
	switch d := f.open[key]; {
	case f.closed:
		return nil, ErrClosed
	case d != nil && d.collection != name, runtime.GOOS == "windows" && isReserved(name):
		return nil, errNameTaken
	case d != nil:
		return d, nil
	case len(f.open) >= f.opts.MaxCollections:
		return nil, receiver.ErrCollections
	}
	d := &dayFile{collection: name, numbers: make(map[string]int)}
	f.open[key] = d
	return d, nil
}

// openName returns the name of the open file of a collection, or "" if there is none.
func (f *Store) openName(collection string) string {
	f.mu.Lock()
	d := f.open[foldName(collection)]
	f.mu.Unlock()
	if d == nil || d.collection != collection {
		return ""
	}
	return d.openName()
}

// dayFiles returns the files of all collections.
func (f *Store) dayFiles() []*dayFile {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Collect(maps.Values(f.open))
}

// forget removes d from the collections if it has no files, so that another one can be created. A
// write that waits for d.mu then gets ErrClosed and calls dayFile again.
func (f *Store) forget(d *dayFile) {
	if !d.mu.TryLock() { // a write is in progress
		return
	}
	defer d.mu.Unlock()
	d.closeRemoved()
	if d.closed || d.file != nil || !f.removeDir(d.collection) {
		return
	}
	d.closed = true
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.open, foldName(d.collection))
}

// removeDir removes the directory of a collection if it is empty, and reports whether the collection
// has no directory.
func (f *Store) removeDir(collection string) bool {
	info, err := f.root.Lstat(collection)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return true
	case err != nil:
		return false
	case !info.IsDir(): // a file of another program
		return true
	}
	return f.root.Remove(collection) == nil // fails if it is not empty
}
