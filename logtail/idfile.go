package logtail

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// LoadOrCreatePrivateID returns the PrivateID in the file at path. If the file does not
// exist, it creates one with a random ID. The directory must exist.
//
// The file contains 64 hexadecimal digits and a newline. It is created atomically with mode
// 0600, and synced to disk before LoadOrCreatePrivateID returns. Processes that start at the
// same time get the same ID. Any other content is an error, which does not show it; the file
// is not changed. The mode of an existing file is not checked, because container systems
// mount secrets with modes of their own.
func LoadOrCreatePrivateID(path string) (PrivateID, error) {
	id, err := loadPrivateID(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return id, err
	}
	id = NewPrivateID()
	err = createPrivateID(path, &id, os.Link)
	if errors.Is(err, fs.ErrExist) {
		return loadPrivateID(path) // another process was faster
	}
	if err != nil {
		return PrivateID{}, fmt.Errorf("logtail: keeping a private ID: %w", err)
	}
	return id, nil
}

func loadPrivateID(path string) (PrivateID, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return PrivateID{}, fmt.Errorf("logtail: loading a private ID: %w", err)
	}
	var id PrivateID
	if id.UnmarshalText(bytes.TrimSpace(text)) != nil {
		return PrivateID{}, fmt.Errorf("logtail: file %s: %w", path, errPrivateID)
	}
	return id, nil
}

// createPrivateID writes a file of its own and links it to path, which fails
// where path exists: a rename would replace the ID of another process. link is
// [os.Link], which not every file system can do. A traceback shows the address of id.
func createPrivateID(path string, id *PrivateID, link func(from, to string) error) (err error) {
	dir := filepath.Dir(path)
	if _, err := os.Stat(dir); err != nil {
		return err // which the error of CreateTemp would hide behind a random name
	}
	f, err := os.CreateTemp(dir, filepath.Base(path)+".tmp*") // with mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	text, _ := id.MarshalText() // never fails
	_, err = f.Write(append(text, '\n'))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	err = link(f.Name(), path)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		// Without hard links only the race of two processes is given up.
		if _, statErr := os.Lstat(path); statErr == nil {
			return fs.ErrExist
		}
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return err
	}
	if d, err := os.Open(dir); err == nil {
		d.Sync() // where directories can be synced; elsewhere nothing is lost but time
		d.Close()
	}
	return nil
}
