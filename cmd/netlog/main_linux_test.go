package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/cmd/netlog/internal/clitest"
	"github.com/go-netlog/netlog/internal/secrettest"
)

// startCommand runs serve in a process of its own and returns where it listens.
func startCommand(c *qt.C) (cmd *exec.Cmd, stderr *clitest.Output, addr string) {
	c.Helper()
	cmd, _, stderr = startChild(c, "serve", "-ui", "off", "-addr", "127.0.0.1:0", "-dir", c.TempDir())
	return cmd, stderr, stderr.Await(c, `http://([0-9.:]+)`)[1]
}

func TestServeSignalEndsCleanly(t *testing.T) {
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		c := qt.New(t)
		cmd, stderr, addr := startCommand(c)
		c.Check(clitest.Send(c, "http://"+addr, secrettest.NewID(), `{}`, ""), qt.Equals, 200)
		c.Assert(cmd.Process.Signal(sig), qt.IsNil)
		c.Check(cmd.Wait(), qt.IsNil, qt.Commentf("%v: the exit code is 0", sig))
		c.Check(stderr.String(), qt.Contains, "stopped; stored 1 entry of 1 node")
	}
}

// TestServeSecondSignalEndsAtOnce has a request in progress that never ends.
func TestServeSecondSignalEndsAtOnce(t *testing.T) {
	c := qt.New(t)
	cmd, _, addr := startCommand(c)
	conn, err := net.Dial("tcp", addr)
	c.Assert(err, qt.IsNil)
	defer conn.Close()
	_, err = fmt.Fprintf(conn, "POST /c/netlog/%s HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n", strings.Repeat("5e", 32))
	c.Assert(err, qt.IsNil)
	_, err = conn.Read(make([]byte, 1)) // it has begun
	c.Assert(err, qt.IsNil)
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for err = nil; err == nil; time.Sleep(20 * time.Millisecond) { // the first must be taken before the second
		select {
		case err = <-ended:
			status := cmd.ProcessState.Sys().(syscall.WaitStatus)
			c.Check(status.Signal(), qt.Equals, syscall.SIGTERM, qt.Commentf("%v", err))
		default:
			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				c.Assert(err, qt.ErrorIs, os.ErrProcessDone)
			}
		}
	}
}
