package main

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
	"unsafe"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/cmd/netlog/internal/clitest"
)

// startChild runs the command as a process of its own, with stdin from a pipe that
// stays open.
func startChild(c *qt.C, args ...string) (cmd *exec.Cmd, stdin *os.File, stderr *clitest.Output) {
	c.Helper()
	r, w, err := os.Pipe()
	c.Assert(err, qt.IsNil)
	c.Cleanup(func() { r.Close(); w.Close() })
	stderr = new(clitest.Output)
	cmd = exec.CommandContext(c.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), childEnv+"=1")
	cmd.Stdin, cmd.Stderr = r, stderr
	c.Assert(cmd.Start(), qt.IsNil)
	return cmd, w, stderr
}

// awaitRead returns when what was written to a pipe has been read: whoever has read
// it waits for more.
func awaitRead(c *qt.C, pipe *os.File) {
	c.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		var unread int32
		_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, pipe.Fd(), 0x541b, uintptr(unsafe.Pointer(&unread))) // FIONREAD, ioctl_tty(2)
		c.Assert(errno, qt.Equals, syscall.Errno(0))
		if unread == 0 {
			return
		}
	}
	c.Fatalf("nobody reads the pipe")
}

// TestSignalEndsWaitingCommand sends a signal to commands that wait for input. They have
// nothing to finish.
func TestSignalEndsWaitingCommand(t *testing.T) {
	for _, args := range [][]string{{"fmt"}, {"id", "public"}} {
		for _, sig := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
			c := qt.New(t)
			cmd, stdin, _ := startChild(c, args...)
			_, err := stdin.WriteString("{")
			c.Assert(err, qt.IsNil)
			awaitRead(c, stdin)
			c.Assert(cmd.Process.Signal(sig), qt.IsNil)
			ended := make(chan error, 1)
			go func() { ended <- cmd.Wait() }()
			select {
			case <-ended:
			case <-time.After(time.Minute):
				c.Errorf("%s goes on after %v", args, sig)
				cmd.Process.Kill()
				<-ended
			}
			status := cmd.ProcessState.Sys().(syscall.WaitStatus)
			c.Check(status.Signal(), qt.Equals, sig, qt.Commentf("%s", args))
		}
	}
}
