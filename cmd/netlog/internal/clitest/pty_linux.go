package clitest

import (
	"fmt"
	"io"
	"os"
	"syscall"
	"unsafe"

	qt "github.com/frankban/quicktest"
)

// OpenPTY returns the two ends of a new pseudo-terminal with the given size, see pty(7).
func OpenPTY(c *qt.C, cols, rows uint16) (master, terminal *os.File) {
	c.Helper()
	fd, err := syscall.Open("/dev/ptmx", syscall.O_RDWR|syscall.O_NOCTTY|syscall.O_CLOEXEC, 0)
	if err != nil {
		c.Skipf("no pseudo-terminals here: %v", err)
	}
	ioctl := func(request uintptr, arg unsafe.Pointer) {
		_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), request, uintptr(arg))
		c.Assert(errno, qt.Equals, syscall.Errno(0))
	}
	var unlocked, number int32
	ioctl(syscall.TIOCSPTLCK, unsafe.Pointer(&unlocked))
	ioctl(syscall.TIOCGPTN, unsafe.Pointer(&number))
	size := [4]uint16{rows, cols}
	ioctl(syscall.TIOCSWINSZ, unsafe.Pointer(&size))
	master = os.NewFile(uintptr(fd), "ptmx")
	c.Cleanup(func() { master.Close() })
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	c.Assert(err, qt.IsNil)
	c.Cleanup(func() { terminal.Close() })
	return master, terminal
}

// CopyPTY returns the output on the terminal, and adds to it until master is closed.
func CopyPTY(master *os.File) *Output {
	drawn := new(Output)
	go io.Copy(drawn, master)
	return drawn
}
