package filestore

import (
	"errors"
	"fmt"
	"os"
)

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
		if removed(dir) {
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
		if free, ok := freeBytes(f.lock); ok && free < f.opts.MinFreeBytes {
			return ErrNoRoom
		}
	}
	return nil
}
