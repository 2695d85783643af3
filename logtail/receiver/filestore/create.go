package filestore

import (
	"errors"
	"io/fs"
	"os"
	"path"

	"github.com/go-netlog/netlog/internal/osfile"
	"github.com/go-netlog/netlog/internal/owndir"
)

// create creates the next file of day.
func (d *dayFile) create(f *Store, day string) error {
	if err := f.root.Mkdir(d.collection, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	// Another user may own the directory, for example from a time when others could write to
	// the root.
	if err := owndir.CheckDir(f.root, d.collection); err != nil {
		return err
	}
	file, name, err := d.createNext(f, day)
	if err != nil {
		return err
	}
	if f.opts.Sync {
		if err := f.syncDirs(d.collection); err != nil {
			file.Close()
			return err
		}
	}
	d.file, d.day, d.name, d.torn = newSyncedFile(file), day, name, false
	return nil
}

// createNext creates a file with the next free number of day. It skips the numbers of files that
// other programs have put there, plain or compressed.
func (d *dayFile) createNext(f *Store, day string) (*os.File, string, error) {
	for n := d.numbers[day] + 1; ; n++ {
		name := plainName(day, n)
		switch _, err := f.root.Lstat(path.Join(d.collection, compressedName(name))); {
		case err == nil:
			continue
		case !errors.Is(err, fs.ErrNotExist):
			return nil, "", err
		}
		file, err := f.root.OpenFile(path.Join(d.collection, name), os.O_RDWR|os.O_CREATE|os.O_EXCL|osfile.AppendFlag, 0o600)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err == nil {
			d.numbers[day] = n
			f.noteMade(path.Join(d.collection, name))
		}
		return file, name, err
	}
}
