package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	qt "github.com/frankban/quicktest"
)

// TestAgentRing checks that -ring is the size of the memory that netlogd shares with the kernel.
func TestAgentRing(t *testing.T) {
	s := newSmall(t)
	for _, test := range []struct {
		flags []string
		want  int64
	}{{nil, 8 << 20}, {[]string{"-ring", "20MiB"}, 20 << 20}} {
		agent := s.agent(append([]string{"-collector", "http://127.0.0.1:9"}, test.flags...)...)
		maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", agent.cmd.Process.Pid))
		qt.Assert(t, err, qt.IsNil)
		var size int64
		for line := range strings.Lines(string(maps)) {
			var first, last int64
			if _, err := fmt.Sscanf(line, "%x-%x", &first, &last); err == nil && strings.Contains(line, "socket:") {
				size += last - first
			}
		}
		qt.Check(t, size, qt.Equals, test.want)
		qt.Check(t, agent.stop(syscall.SIGTERM), qt.IsNil)
	}
}

// TestAgentGzip checks the encoding of uploads with and without -gzip.
func TestAgentGzip(t *testing.T) {
	s := newSmall(t)
	encodings := make(chan string, 100)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		encodings <- r.Header.Get("Content-Encoding")
	}))
	server.Listener.Close()
	s.do(func() (err error) {
		server.Listener, err = net.Listen("tcp", "127.0.0.1:0")
		return err
	})
	server.Start()
	defer server.Close()
	for want, flags := range map[string][]string{"zstd": nil, "gzip": {"-gzip"}} {
		agent := s.agent(append([]string{"-collector", server.URL, "-period", "1h"}, flags...)...)
		s.receive(1000)
		qt.Check(t, agent.stop(syscall.SIGTERM), qt.IsNil)
		qt.Check(t, <-encodings, qt.Equals, want)
	}
}

// TestAgentNamesItsFlags checks that an operator is told which flag is wrong, where the records go, and which
// interfaces there are.
func TestAgentNamesItsFlags(t *testing.T) {
	s := newSmall(t)
	full := filepath.Join(s.state, "file")
	qt.Assert(t, os.WriteFile(full, nil, 0o600), qt.IsNil)
	for _, test := range []struct {
		flags []string
		want  string
	}{
		{[]string{"-collector", "http://h.example"}, "netlogd: tun0: -collector: plain http to another host needs -insecure\n"},
		{[]string{"-collector", "h.example:8641"}, "netlogd: tun0: -collector: want http://host or https://host\n"},
		{[]string{"-collector", "https://a:b@h.example"}, "netlogd: tun0: -collector: has a user name or password (-token-file takes a token)\n"},
		{[]string{"-period", "1us"}, "netlogd: tun0: -period: 1\u00b5s is less than 1ms (a unit is missing?)\n"},
		{[]string{"-state", full}, "netlogd: -state: " + full + ": not a directory\n"},
	} {
		agent := s.start(childEnv+"=1", self(t), append(append([]string{"-state", s.state}, test.flags...), "tun0")...)
		agent.expect(test.want)
		qt.Check(t, agent.cmd.Wait(), qt.ErrorMatches, "exit status 1")
		agent.done = true
	}
	agent := s.agent("-collector", "http://127.0.0.1:9/secret", "tun1") // both
	agent.expect("netlogd: netif: tun1: waiting for the interface; now there are lo, tun0\n")
	agent.expect(", and sent to http://127.0.0.1:9\n")
	qt.Check(t, agent.stop(syscall.SIGTERM), qt.IsNil)
}
