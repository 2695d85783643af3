package owndir

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

const (
	errorSharingViolation    = syscall.Errno(32)
	fileFlagOpenReparsePoint = 0x00200000
)

// lock opens the file exclusively. Windows closes it when the process ends in any way. os.Root cannot open a
// file exclusively, so lock uses the path.
func lock(root *os.Root, name string) (*os.File, error) {
	path := filepath.Join(root.Name(), name)
	p, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	const shareNone = 0
	h, err := syscall.CreateFile(p, syscall.GENERIC_READ|syscall.GENERIC_WRITE, shareNone, nil,
		syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL|fileFlagOpenReparsePoint, 0)
	switch err {
	case nil:
	case errorSharingViolation:
		return nil, ErrLocked
	default:
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	f := os.NewFile(uintptr(h), path)
	info, err := f.Stat()
	if err == nil {
		err = refuse(root, name, info, info.Mode().IsRegular(), "a regular file")
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// unlock does nothing. Closing the file releases the lock.
func unlock(*os.File) error { return nil }
