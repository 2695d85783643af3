package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	qt "github.com/frankban/quicktest"
)

const childEnv = "WGTUN_DAEMON_CHILD" // if set, the test binary runs main

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// namespaced is a daemon process with a kernel TUN device in its own network namespace.
type namespaced struct {
	c                *qt.C
	name, dir        string
	private, another string // keys
	cmd              *exec.Cmd
	lines            *bufio.Reader // of standard error
}

func startNamespaced(t *testing.T) *namespaced {
	if os.Getuid() != 0 {
		t.Skip("needs root, to make a TUN device in a network namespace")
	}
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		t.Skip("needs /dev/net/tun: ", err)
	}
	n := &namespaced{c: qt.New(t), name: fmt.Sprintf("nlwgd%d", os.Getpid()), dir: t.TempDir()}
	if out, err := exec.Command("ip", "netns", "add", n.name).CombinedOutput(); err != nil {
		t.Skipf("needs the ip tool and network namespaces: %v: %s", err, out)
	}
	t.Cleanup(func() { exec.Command("ip", "netns", "del", n.name).Run() })
	n.c.Assert(os.WriteFile(n.dir+"/token", []byte("open sesame"), 0o600), qt.IsNil)
	n.private, _ = newKey(n.c)
	_, n.another = newKey(n.c)
	n.configure("10.7.0.2/32")

	exe, err := os.Executable()
	n.c.Assert(err, qt.IsNil)
	n.cmd = exec.CommandContext(t.Context(), "ip", "netns", "exec", n.name, exe, n.dir+"/vpn.json")
	n.cmd.Env = append(os.Environ(), childEnv+"=1")
	n.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stderr, err := n.cmd.StderrPipe()
	n.c.Assert(err, qt.IsNil)
	n.c.Assert(n.cmd.Start(), qt.IsNil)
	n.lines = bufio.NewReader(stderr)
	n.expect("flows are logged as ")
	return n
}

// configure writes the configuration file, with one peer.
func (n *namespaced) configure(peerAddress string) {
	write(n.c, n.dir, n.private, "10.7.0.1/24", "", allowed(n.another, "", peerAddress))
}

func (n *namespaced) expect(what string) {
	n.c.Helper()
	line, err := n.lines.ReadString('\n')
	n.c.Assert(err, qt.IsNil)
	n.c.Assert(strings.Contains(line, what), qt.IsTrue, qt.Commentf("%q, not %q", line, what))
}

// ends waits for the end of the daemon and returns the rest of its output.
func (n *namespaced) ends() string {
	rest, _ := n.lines.ReadString(0)
	n.c.Check(n.cmd.Wait(), qt.IsNil, qt.Commentf("%s", rest))
	return rest
}

func TestDaemonSignals(t *testing.T) {
	n := startNamespaced(t)
	n.c.Assert(os.WriteFile(n.dir+"/vpn.json", []byte("{}"), 0o600), qt.IsNil)
	n.c.Assert(n.cmd.Process.Signal(syscall.SIGHUP), qt.IsNil)
	n.expect("not reconfigured: ")
	n.configure("10.7.0.3/32")
	n.c.Assert(n.cmd.Process.Signal(syscall.SIGHUP), qt.IsNil)
	n.c.Assert(n.cmd.Process.Signal(syscall.SIGTERM), qt.IsNil)
	n.c.Check(n.ends(), qt.Equals, "")
}

func TestDaemonEndsWithInterface(t *testing.T) {
	n := startNamespaced(t)
	out, err := exec.Command("ip", "netns", "exec", n.name, "ip", "link", "del", "wg0").CombinedOutput()
	n.c.Assert(err, qt.IsNil, qt.Commentf("%s", out))
	n.ends()
}

func TestDaemonArguments(t *testing.T) {
	exe, err := os.Executable()
	qt.Assert(t, err, qt.IsNil)
	for _, test := range []struct {
		args []string
		code int
		says string
	}{
		{nil, 2, "usage: daemon CONFIG\n"},
		{[]string{"a", "b"}, 2, "usage: daemon CONFIG\n"},
		{[]string{t.TempDir() + "/none"}, 1, "(?s).*/none: no such file or directory\n"},
	} {
		cmd := exec.CommandContext(t.Context(), exe, test.args...)
		cmd.Env = append(os.Environ(), childEnv+"=1")
		out, _ := cmd.CombinedOutput()
		qt.Check(t, cmd.ProcessState.ExitCode(), qt.Equals, test.code)
		qt.Check(t, string(out), qt.Matches, test.says)
	}
}
