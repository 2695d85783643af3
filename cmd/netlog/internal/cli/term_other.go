//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package cli

import (
	"io"
	"os"
)

// TermWidth returns 80 if w is a terminal, or else 0.
func TermWidth(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok {
		return 0
	}
	if info, err := f.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return 0
	}
	return 80
}

// TermSize returns no rows, so that nothing is drawn in place.
func TermSize(w io.Writer) (cols, rows int) { return TermWidth(w), 0 }
