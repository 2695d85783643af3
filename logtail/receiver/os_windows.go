package receiver

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// lockDir locks root for this process, by a file opened without sharing.
func lockDir(root *os.Root) (*os.File, error) {
	path := filepath.Join(root.Name(), ".lock")
	name, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return nil, fmt.Errorf("receiver: %w", err)
	}
	h, err := syscall.CreateFile(name, syscall.GENERIC_READ|syscall.GENERIC_WRITE, 0, nil,
		syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	if err == nil {
		return os.NewFile(uintptr(h), path), nil
	}
	const sharingViolation = syscall.Errno(32)
	if errors.Is(err, sharingViolation) {
		return nil, ErrLocked
	}
	return nil, fmt.Errorf("receiver: lock: %w", err)
}

// freeBytes knows nothing here: MinFree has no effect.
func freeBytes(*os.File) (int64, bool) { return 0, false }

// removed knows nothing here.
func removed(*os.File) bool { return false }
