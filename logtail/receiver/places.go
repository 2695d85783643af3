package receiver

import (
	"errors"
	"io/fs"
	"maps"
	"slices"
)

// day returns the file of a collection that is being written.
func (f *Files) day(name string) (*dayFile, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch d := f.open[name]; {
	case f.closed:
		return nil, ErrClosed
	case d != nil:
		return d, nil
	case len(f.open) >= f.opts.Collections:
		return nil, ErrCollections
	}
	d := &dayFile{collection: name}
	f.open[name] = d
	return d, nil
}

// days returns the files of all collections.
func (f *Files) days() []*dayFile {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Collect(maps.Values(f.open))
}

// forget gives the place of a collection to another one where it has no files any
// more, or never had any. No write can come between: one that has d by then is
// told that it is closed, and asks again.
func (f *Files) forget(d *dayFile) {
	if !d.mu.TryLock() { // being written
		return
	}
	defer d.mu.Unlock()
	d.letGo()
	if d.closed || d.file != nil || !f.removeDir(d.collection) {
		return
	}
	d.closed = true
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.open, d.collection)
}

// removeDir removes the directory of a collection if it is empty, and reports whether
// there is none then.
func (f *Files) removeDir(collection string) bool {
	info, err := f.root.Lstat(collection)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return true
	case err != nil:
		return false
	case !info.IsDir(): // of someone else, and in the way of this collection
		return true
	}
	return f.root.Remove(collection) == nil // fails unless empty
}
