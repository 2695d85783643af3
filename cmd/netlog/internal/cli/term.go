//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package cli

import (
	"io"
	"os"
	"syscall"
	"unsafe"
)

// TermSize returns the columns and rows of the terminal w, or zeros if w is something
// else. It returns no rows if nothing can be drawn in place.
func TermSize(w io.Writer) (cols, rows int) {
	f, ok := w.(*os.File)
	if !ok {
		return 0, 0
	}
	conn, err := f.SyscallConn()
	if err != nil {
		return 0, 0
	}
	var size struct{ rows, cols, x, y uint16 } // struct winsize of ioctl_tty(2)
	conn.Control(func(fd uintptr) {
		syscall.Syscall(syscall.SYS_IOCTL, fd, syscall.TIOCGWINSZ, uintptr(unsafe.Pointer(&size)))
	})
	if dumb() {
		size.rows = 0
	}
	return int(size.cols), int(size.rows)
}

// TermWidth returns the columns of the terminal w, or 0 if w is something else.
func TermWidth(w io.Writer) int {
	cols, _ := TermSize(w)
	return cols
}
