package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/cmd/netlog/internal/clitest"
	"github.com/go-netlog/netlog/internal/killtest"
	"github.com/go-netlog/netlog/internal/secrettest"
)

// startCommand runs serve in a process of its own and returns where it listens.
func startCommand(c *qt.C) (cmd *exec.Cmd, stderr *clitest.Output, addr string) {
	c.Helper()
	cmd, _, stderr = startChild(c, "serve", "-ui", "off", "-min-free", "0", "-addr", "127.0.0.1:0", "-dir", c.TempDir())
	return cmd, stderr, stderr.Await(c, `http://([0-9.:]+)`)[1]
}

func TestServeSignalEndsCleanly(t *testing.T) {
	killtest.Hangup(t)
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		c := qt.New(t)
		cmd, stderr, addr := startCommand(c)
		c.Check(clitest.Send(c, "http://"+addr, secrettest.NewID(), `{}`, ""), qt.Equals, 200)
		c.Assert(cmd.Process.Signal(sig), qt.IsNil)
		c.Check(cmd.Wait(), qt.IsNil, qt.Commentf("%v: the exit code is 0", sig))
		c.Check(stderr.String(), qt.Contains, "stopped; stored 1 entry of 1 node")
	}
}

// TestServeNohup checks that SIGHUP does not end serve if it was ignored at the start.
func TestServeNohup(t *testing.T) {
	c := qt.New(t)
	signal.Ignore(syscall.SIGHUP) // the process inherits it
	t.Cleanup(func() { signal.Reset(syscall.SIGHUP) })
	cmd, stderr, addr := startCommand(c)
	c.Assert(cmd.Process.Signal(syscall.SIGHUP), qt.IsNil)
	c.Check(clitest.Send(c, "http://"+addr, secrettest.NewID(), `{}`, ""), qt.Equals, 200)
	c.Assert(cmd.Process.Signal(syscall.SIGTERM), qt.IsNil)
	c.Check(cmd.Wait(), qt.IsNil)
	c.Check(stderr.String(), qt.Contains, "stopped; stored 1 entry of 1 node")
}

// halfRequest returns a connection with a request whose body does not arrive.
func halfRequest(c *qt.C, addr string) net.Conn {
	c.Helper()
	conn, err := net.Dial("tcp", addr)
	c.Assert(err, qt.IsNil)
	c.Cleanup(func() { conn.Close() })
	_, err = fmt.Fprintf(conn, "POST /c/netlog/%s HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n", strings.Repeat("5e", 32))
	c.Assert(err, qt.IsNil)
	_, err = conn.Read(make([]byte, 1)) // it has begun
	c.Assert(err, qt.IsNil)
	return conn
}

// TestServeSecondSignalEndsAtOnce sends signals until one ends the process, which a request
// delays.
func TestServeSecondSignalEndsAtOnce(t *testing.T) {
	c := qt.New(t)
	cmd, _, addr := startCommand(c)
	halfRequest(c, addr)
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for err := error(nil); err == nil; time.Sleep(20 * time.Millisecond) {
		select {
		case err = <-ended:
			status := cmd.ProcessState.Sys().(syscall.WaitStatus)
			c.Check(status.Signal(), qt.Equals, syscall.SIGTERM, qt.Commentf("%v", err))
			c.Assert(err, qt.IsNotNil)
		default:
			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				c.Assert(err, qt.ErrorIs, os.ErrProcessDone)
			}
		}
	}
}

// TestServeSignalsInOneInstant sends several signals at once, as a terminal and a supervisor
// do. Only the first counts, so the last line is printed, and the exit code is 0.
func TestServeSignalsInOneInstant(t *testing.T) {
	c := qt.New(t)
	cmd, stderr, addr := startCommand(c)
	halfRequest(c, addr) // which the end waits for
	began := time.Now()
	for sent := 0; sent < 50 && time.Since(began) < 500*time.Millisecond; sent++ { // half of what counts as an instant
		c.Assert(cmd.Process.Signal(syscall.SIGTERM), qt.IsNil)
		time.Sleep(time.Millisecond) // for the process to take it
	}
	c.Check(cmd.Wait(), qt.IsNil)
	c.Check(stderr.String(), qt.Contains, "netlog serve: stopped; ")
}
