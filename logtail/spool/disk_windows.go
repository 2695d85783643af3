package spool

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

const (
	errorSharingViolation    = syscall.Errno(32)
	errorHandleDiskFull      = syscall.Errno(39)
	errorDiskFull            = syscall.Errno(112)
	fileFlagOpenReparsePoint = 0x00200000
)

// lockFile opens the file so that nobody else can; Windows closes it when the
// process ends in whatever way. os.Root cannot ask for that, hence the path.
func lockFile(_ *os.Root, dir, name string) (io.Closer, error) {
	path := filepath.Join(dir, name)
	p, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	const shareNone = 0
	h, err := syscall.CreateFile(p, syscall.GENERIC_READ|syscall.GENERIC_WRITE, shareNone, nil,
		syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL|fileFlagOpenReparsePoint, 0)
	switch err {
	case nil:
		return os.NewFile(uintptr(h), path), nil
	case errorSharingViolation:
		return nil, ErrLocked
	}
	return nil, &fs.PathError{Op: "open", Path: path, Err: err}
}

// syncDir does nothing: NTFS keeps names in its journal, and a directory cannot
// be flushed.
func syncDir(*os.Root) error { return nil }

// diskFull reports whether err says that there is no room on the disk.
func diskFull(err error) bool {
	return errors.Is(err, errorDiskFull) || errors.Is(err, errorHandleDiskFull)
}
