//go:build !(linux || darwin || freebsd || windows)

package receiver

import (
	"fmt"
	"os"
)

// lockDir cannot lock here: keep a second process away by other means.
func lockDir(root *os.Root) (*os.File, error) {
	file, err := root.OpenFile(".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("receiver: %w", err)
	}
	return file, nil
}

// freeBytes knows nothing here: MinFree has no effect.
func freeBytes(*os.File) (int64, bool) { return 0, false }

// removed knows nothing here.
func removed(*os.File) bool { return false }
