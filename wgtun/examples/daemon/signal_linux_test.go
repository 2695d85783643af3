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

const childEnv = "WGTUN_DAEMON_CHILD" // read by the test binary alone: run main

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// The daemon as a process, with a kernel TUN device in a namespace of its own.
func TestSIGHUPReconfiguresAndSIGTERMEnds(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, to make a TUN device in a network namespace")
	}
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		t.Skip("needs /dev/net/tun: ", err)
	}
	ns := fmt.Sprintf("nlwgd%d", os.Getpid())
	if out, err := exec.Command("ip", "netns", "add", ns).CombinedOutput(); err != nil {
		t.Skipf("needs the ip tool and network namespaces: %v: %s", err, out)
	}
	defer exec.Command("ip", "netns", "del", ns).Run()

	c := qt.New(t)
	dir := t.TempDir()
	c.Assert(os.WriteFile(dir+"/token", []byte("open sesame"), 0o600), qt.IsNil)
	private, _ := newKey(c)
	_, peer := newKey(c)
	write(c, dir, private, "10.7.0.1/24", "", allowed(peer, "", "10.7.0.2/32"))

	exe, err := os.Executable()
	c.Assert(err, qt.IsNil)
	cmd := exec.CommandContext(t.Context(), "ip", "netns", "exec", ns, exe, dir+"/vpn.json")
	cmd.Env = append(os.Environ(), childEnv+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stderr, err := cmd.StderrPipe()
	c.Assert(err, qt.IsNil)
	c.Assert(cmd.Start(), qt.IsNil)
	lines := bufio.NewReader(stderr)
	expect := func(what string) {
		c.Helper()
		line, err := lines.ReadString('\n')
		c.Assert(err, qt.IsNil)
		c.Assert(strings.Contains(line, what), qt.IsTrue, qt.Commentf("%q, not %q", line, what))
	}
	expect("flows are logged as ")
	c.Assert(os.WriteFile(dir+"/vpn.json", []byte("{}"), 0o600), qt.IsNil)
	c.Assert(cmd.Process.Signal(syscall.SIGHUP), qt.IsNil)
	expect("not reconfigured: ")
	write(c, dir, private, "10.7.0.1/24", "", allowed(peer, "", "10.7.0.3/32"))
	c.Assert(cmd.Process.Signal(syscall.SIGHUP), qt.IsNil)
	c.Assert(cmd.Process.Signal(syscall.SIGTERM), qt.IsNil)
	rest, _ := lines.ReadString(0)
	c.Check(cmd.Wait(), qt.IsNil, qt.Commentf("%s", rest))
	c.Check(rest, qt.Equals, "")
}
