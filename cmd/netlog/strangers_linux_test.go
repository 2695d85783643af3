package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/cmd/netlog/internal/clitest"
	"github.com/go-netlog/netlog/internal/secrettest"
)

// TestServeStrangersLeaveRoom lets hosts without a token hold as many connections as they
// can, of a server with few file descriptors. A node is answered at once nevertheless.
func TestServeStrangersLeaveRoom(t *testing.T) {
	const files, strangers = "256", 300
	for _, hosts := range []int{1, 3} {
		t.Run(fmt.Sprintf("%d hosts", hosts), func(t *testing.T) { holdConnections(t, files, strangers, hosts) })
	}
}

func holdConnections(t *testing.T, files string, strangers, hosts int) {
	path := "/c/netlog/" + strings.Repeat("5e", 32)
	for name, sent := range map[string]string{
		"silent":        "",
		"half a header": "POST /c",
		"refused":       "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"healthy":       "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
		"no token":      "POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n[",
	} {
		t.Run(name, func(t *testing.T) {
			c := qt.New(t)
			dir := c.TempDir()
			c.Assert(os.WriteFile(dir+"/tokens", fmt.Appendf(nil, "%x netlog *\n", sha256.Sum256([]byte("all"))), 0o600), qt.IsNil)
			stderr := new(clitest.Output)
			// The shell sets the hard limit too, to which Go would raise the soft one.
			cmd := exec.CommandContext(c.Context(), "sh", "-c", "ulimit -n "+files+` && exec "$0" "$@"`,
				os.Args[0], "serve", "-ui", "127.0.0.1:0", "-min-free", "0", "-addr", "127.0.0.1:0", "-dir", dir+"/flows", "-tokens", dir+"/tokens")
			cmd.Env, cmd.Stderr = append(os.Environ(), childEnv+"=1"), stderr
			c.Assert(cmd.Start(), qt.IsNil)
			addr := stderr.Await(c, `http://([0-9.:]+)`)[1]

			node := &http.Client{Transport: new(http.Transport), Timeout: time.Minute}
			post := func(reused bool) {
				c.Helper()
				trace := &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { c.Check(i.Reused, qt.Equals, reused) }}
				r := clitest.Request(c, "http://"+addr, secrettest.NewID(), `{"a":1}`, "all")
				resp, err := node.Do(r.WithContext(httptrace.WithClientTrace(c.Context(), trace)))
				c.Assert(err, qt.IsNil)
				resp.Body.Close()
				c.Check(resp.StatusCode, qt.Equals, 200)
			}
			post(false)
			for n := range strangers {
				from := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(2+n%hosts))}}
				conn, err := from.DialContext(c.Context(), "tcp", addr)
				c.Assert(err, qt.IsNil)
				defer conn.Close()
				io.WriteString(conn, sent) // may fail: the server may have closed it
			}
			post(true) // its connection is not closed for a stranger
			for range 3 {
				node.CloseIdleConnections()
				post(false)
			}
			c.Assert(cmd.Process.Signal(os.Interrupt), qt.IsNil)
			c.Check(cmd.Wait(), qt.IsNil)
			c.Check(stderr.String(), qt.Contains, "stored 5 entries of 5 nodes")
			c.Check(stderr.String(), qt.Not(qt.Contains), "too many open files")
		})
	}
}
